import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { bearer, TEST_KEY } from '../service/client.ts';
import { until } from '../service/until.ts';
import { type Doors, openDoors } from './doors.ts';
import { openStream } from './open-stream.ts';
import { RawSocket } from './raw-socket.ts';

const WATCH = 'subscription($id: ID) { generationUpdated(id: $id) { final } }';
const SSE = 'text/event-stream';
const MULTIPART = 'multipart/mixed;subscriptionSpec=1.0';
const SOON_MS = 5_000;

let doors: Doors;
let id: string;
beforeAll(async () => {
  doors = await openDoors({ streamsPerKey: 20 });
  id = (await doors.stage.create(doors.caller)).id;
});
afterAll(() => doors?.stop());

test.each([
  ['Server-Sent Events', SSE],
  ['multipart', MULTIPART],
])('clients that leave while their subscription over %s begins leave nothing open', async (_name, accept) => {
  await whileNoKeyCanBeRead(doors, async (waiting) => {
    const early = await Promise.all(Array.from({ length: 5 }, () => send([post(WATCH, accept)])));
    await waiting(5);
    for (const socket of early) socket.resetAndDestroy();
    await Promise.all(early.map((socket) => once(socket, 'close')));
  });
  // Theirs have begun by the time that one begins which came after them.
  const stream = await openStream(`${doors.url}/graphql`, {
    method: 'POST',
    headers: { ...bearer(TEST_KEY), 'content-type': 'application/json', accept },
    body: JSON.stringify({ query: WATCH, variables: { id } }),
  });
  await stream.until('generationUpdated');
  await until(open, (counts) => counts === '1 sources, 1 subscriptions', SOON_MS);
  stream.leave();
  await until(open, (counts) => counts === '0 sources, 0 subscriptions', SOON_MS);
});

test('requests that wait for their turn on one socket end with it', async () => {
  const aborted = await abortedRequests();
  const socket = await send([
    ...Array(12).fill(post(WATCH, MULTIPART)),
    ...Array(3).fill(post('{ __typename }', '*/*')),
  ]);
  await until(
    () => doors.watcher.size,
    (size) => size === 12,
    SOON_MS,
  );
  socket.destroy();
  await until(open, (counts) => counts === '0 sources, 0 subscriptions', SOON_MS);
  await until(abortedRequests, (count) => count === aborted + 3, SOON_MS);
});

test('a client that has answers sent to it and reads none is told to come back later, key or no key', async () => {
  const raw = await RawSocket.open(doors.url);
  raw.socket.pause();
  const pings = 40;
  for (let i = 0; i < pings; i += 1) raw.send({ type: 'ping', payload: { padding: 'x'.repeat(1_000_000) } });
  await until(
    () => raw.socket.writableLength,
    (rest) => rest === 0,
    SOON_MS,
  );
  raw.socket.resume();
  expect(await raw.closed(SOON_MS)).toBe(1013);
  expect(raw.messages.length).toBeLessThan(pings / 2);
});

test('a server that stops sends its clients away while the database does not answer', async () => {
  const stopping = await openDoors({ recheckMs: 20 });
  const raw = await RawSocket.open(stopping.url);
  raw.send({ type: 'connection_init', payload: bearer(TEST_KEY) });
  await raw.received(1);
  let stopped: Promise<void> | undefined;
  await whileNoKeyCanBeRead(stopping, async (waiting) => {
    await waiting(1);
    stopped = stopping.stop();
    expect(await raw.closed(SOON_MS)).toBe(1001);
    raw.socket.destroy();
  });
  await stopped;
});

/** `waiting` waits until so many want to read one. */
async function whileNoKeyCanBeRead(
  { domain }: Doors,
  work: (waiting: (count: number) => Promise<unknown>) => Promise<void>,
): Promise<void> {
  await domain.db.transaction(async (tx) => {
    await tx.execute(sql`lock table api_keys in access exclusive mode`);
    const count = async () => {
      const query = sql`select count(*)::int as count from pg_locks where relation = 'api_keys'::regclass and not granted`;
      const [row] = await tx.execute<{ count: number }>(query);
      return row?.count;
    };
    await work((wanted) => until(count, (found) => found === wanted, SOON_MS));
  });
}

/** What subscriptions hold, in here and as the metrics have it. */
async function open(): Promise<string> {
  const counts = await valuesOf('darkroom_subscriptions{');
  return `${doors.watcher.size} sources, ${counts.reduce((sum, count) => sum + count, 0)} subscriptions`;
}

async function abortedRequests(): Promise<number> {
  const counts = await valuesOf('darkroom_http_request_duration_seconds_count{route="graphql",status="aborted"}');
  return counts[0] ?? 0;
}

async function valuesOf(start: string): Promise<number[]> {
  const lines = (await doors.metrics.registry.metrics()).split('\n').filter((line) => line.startsWith(start));
  return lines.map((line) => Number(line.split(' ').at(-1)));
}

/** Sends these on one socket, without waiting for an answer. */
async function send(requests: readonly string[]): Promise<Socket> {
  const { hostname, port } = new URL(doors.url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {}).resume();
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  socket.write(requests.join(''));
  return socket;
}

function post(query: string, accept: string): string {
  const body = JSON.stringify({ query, variables: { id } });
  const headers = { ...bearer(TEST_KEY), host: 'localhost', 'content-type': 'application/json', accept };
  const lines = Object.entries({ ...headers, 'content-length': body.length }).map((pair) => pair.join(': '));
  return `POST /graphql HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body}`;
}
