import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { apiKeys } from '../../src/db/schema.ts';
import { hashKey } from '../../src/workspace/keys.ts';
import { bearer, TEST_KEY } from '../service/client.ts';
import { until } from '../service/until.ts';
import { type Doors, openDoors } from './doors.ts';
import { type OpenStream, openStream } from './open-stream.ts';
import { RawSocket } from './raw-socket.ts';

const OTHER_KEY = 'sk_test_another-key-of-the-same-place';
const DOOMED_KEY = 'sk_test_a-key-that-will-be-revoked';
const SHORT_KEY = 'sk_test_a-key-that-will-expire-soon';
const WATCH = 'subscription($id: ID) { generationUpdated(id: $id) { final } }';
const SSE = 'text/event-stream';
const MULTIPART = 'multipart/mixed;subscriptionSpec=1.0';

let doors: Doors;
let id: string;
beforeAll(async () => {
  const limits = { socketsPerKey: 3, streamsPerKey: 2, recheckMs: 100, strangersPerAddress: 6 };
  doors = await openDoors(limits, [OTHER_KEY, DOOMED_KEY, SHORT_KEY]);
  id = (await doors.stage.create(doors.caller)).id;
});
afterAll(() => doors?.stop());

test('a WebSocket more than a key may have closes with 1013, until another leaves; other keys do not notice', async () => {
  const honest = await Promise.all([1, 2, 3].map(() => connect(TEST_KEY)));
  for (const each of honest) await each.received(1);
  const excess = await connect(TEST_KEY);
  expect([await excess.closed(), excess.messages]).toEqual([1013, []]);
  expect((await (await connect(OTHER_KEY)).received(1))[0]).toEqual({ type: 'connection_ack' });
  honest[0]?.socket.destroy();
  await until(
    async () => {
      const again = await connect(TEST_KEY);
      await until(
        () => again.messages.length > 0 || again.closedWith !== null,
        (told) => told,
      );
      return again.messages;
    },
    (messages) => messages.length === 1,
  );
});

test('an address has only so many WebSockets that have not said who they are; those that have do not count', async () => {
  await subscribed(OTHER_KEY);
  const strangers = await Promise.all(Array.from({ length: 6 }, () => RawSocket.open(doors.url)));
  expect(strangers.map(({ head }) => head.slice(0, 12))).toEqual(Array(6).fill('HTTP/1.1 101'));
  expect((await RawSocket.open(doors.url)).head).toMatch(/^HTTP\/1\.1 503 /);
  for (const each of strangers) each.socket.destroy();
  await until(
    async () => (await RawSocket.open(doors.url)).head,
    (head) => head.startsWith('HTTP/1.1 101'),
  );
});

test('a stream more than a key may have is 429 and RATE_LIMITED, until another leaves; other keys do not notice', async () => {
  const bySse = await watch(TEST_KEY, SSE);
  const byMultipart = await watch(TEST_KEY, MULTIPART);
  const excess = await watch(TEST_KEY, SSE);
  expect(excess.status).toBe(429);
  expect(await excess.until('complete')).toContain('"code":"RATE_LIMITED"');
  expect((await watch(OTHER_KEY, SSE)).status).toBe(200);
  bySse.leave();
  await until(
    () => watch(TEST_KEY, SSE),
    ({ status }) => status === 200,
  );
  expect(byMultipart.status).toBe(200);
});

test('when a key is revoked its WebSockets close with 4401 and its streams end with UNAUTHENTICATED; others stay', async () => {
  await watching(0);
  const socket = await subscribed(DOOMED_KEY);
  const bySse = await watch(DOOMED_KEY, SSE);
  const byMultipart = await watch(DOOMED_KEY, MULTIPART);
  const other = await subscribed(OTHER_KEY);
  for (const stream of [bySse, byMultipart]) await stream.until('generationUpdated');
  await watching(4);

  await doors.domain.db
    .update(apiKeys)
    .set({ revokedAt: new Date() })
    .where(eq(apiKeys.hash, hashKey(DOOMED_KEY)));
  expect(await socket.closed()).toBe(4401);
  expect([await bySse.ended, await byMultipart.ended]).toEqual(['whole', 'whole']);
  const told =
    '{"errors":[{"message":"This key was revoked.","extensions":{"code":"UNAUTHENTICATED","argument":"authorization"}}]}';
  expect(bySse.text().endsWith(`event: next\ndata: ${told}\n\nevent: complete\ndata:\n\n`)).toBe(true);
  expect(byMultipart.text().endsWith(`{"payload":${told}}\r\n--graphql--\r\n`)).toBe(true);
  await watching(1);
  expect([other.closedWith, other.socket.closed]).toEqual([null, false]);
  expect((await watch(DOOMED_KEY, SSE)).status).toBe(401);
});

test('when a key expires its WebSockets close with 4403, after which clients come back with a fresh one', async () => {
  const socket = await subscribed(SHORT_KEY);
  const soon = new Date(Date.now() + 300);
  await doors.domain.db
    .update(apiKeys)
    .set({ expiresAt: soon })
    .where(eq(apiKeys.hash, hashKey(SHORT_KEY)));
  expect(await socket.closed()).toBe(4403);
  expect(Date.now()).toBeGreaterThanOrEqual(soon.getTime());
});

/** Waits until so many subscriptions have a source. */
async function watching(count: number): Promise<void> {
  await until(
    () => doors.watcher.size,
    (size) => size === count,
  );
}

async function connect(key: string): Promise<RawSocket> {
  const raw = await RawSocket.open(doors.url);
  raw.send({ type: 'connection_init', payload: bearer(key) });
  return raw;
}

async function subscribed(key: string): Promise<RawSocket> {
  const raw = await connect(key);
  await raw.received(1);
  raw.send({ type: 'subscribe', id: '1', payload: { query: WATCH, variables: { id } } });
  await raw.received(2);
  return raw;
}

function watch(key: string, accept: string): Promise<OpenStream> {
  return openStream(`${doors.url}/graphql`, {
    method: 'POST',
    headers: { ...bearer(key), 'content-type': 'application/json', accept },
    body: JSON.stringify({ query: WATCH, variables: { id } }),
  });
}
