import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { createTestDatabase } from '../database.ts';
import { runChild, startChild } from './child.ts';
import { bearer, create, type Generation, LIVE_KEY, only, readUntil, TEST_KEY } from './client.ts';
import { makeFolder } from './folder.ts';
import { SECRET } from './service.ts';
import { until } from './until.ts';
import { WATCH } from './watch.ts';

const isRunning = ({ tasks }: Generation) => only(tasks).status === 'RUNNING';
const idOf = (prompt: string) => `task-unified-1700000000-${prompt.replaceAll(' ', '-')}`;

test('at SIGTERM a WebSocket closes with 1001, an SSE stream ends without complete, leases are given back, and it exits 0', async () => {
  const env = await environment();
  const service = await startChild(env);
  const { generation } = await create(service.url, { prompt: 'A bridge [[stuck]]' });
  const running = await readUntil(service.url, generation.id, isRunning);
  const socket = await subscribe(service.url, generation.id);
  const stream = await openStream(service.url, generation.id);
  const closed = once(socket, 'close');

  const signaled = performance.now();
  service.kill('SIGTERM');
  expect((await closed)[0]).toBe(1001);
  const text = await stream.text;
  expect(text).toContain('event: next');
  expect(text).not.toContain('complete');
  expect(await service.ended).toBe(0);
  expect(performance.now() - signaled).toBeLessThan(Number(env.DRAIN_MS));
  expect(await tasksIn(env.DATABASE_URL)).toEqual([
    { status: 'RUNNING', worker_id: null, provider_task_id: only(running.tasks).providerTaskId },
  ]);
});

test('a client that reads no more, not even the close, does not keep it from exiting 0 in time, with every lease given back', async () => {
  const env = await environment({ DRAIN_MS: '1500' });
  const service = await startChild(env);
  const { generation } = await create(service.url, { prompt: 'A bridge [[stuck]]' });
  await readUntil(service.url, generation.id, isRunning);
  const socket = await subscribe(service.url, generation.id);
  (socket as unknown as { _socket: Socket })._socket.pause();
  const signaled = performance.now();
  service.kill('SIGTERM');
  expect(await service.ended).toBe(0);
  expect(performance.now() - signaled).toBeLessThan(2_500);
  expect(await tasksIn(env.DATABASE_URL)).toMatchObject([{ status: 'RUNNING', worker_id: null }]);
});

test('a submit in flight is waited for past DRAIN_MS and its id is stored, while /readyz says 503 and nothing more is sent', async () => {
  const provider = await startSlowProvider(() => 3_000);
  const env = await environment({ ...provider.env, DRAIN_MS: '500' });
  const service = await startChild(env);
  expect((await fetch(`${service.url}/readyz`)).status).toBe(200);
  await create(service.url, { prompt: 'A bridge' }, bearer(LIVE_KEY));
  await until(
    () => provider.submits.length,
    (submits) => submits === 1,
  );

  service.kill('SIGTERM');
  await until(
    () => readiness(service.url),
    (status) => status !== 200,
  );
  expect(await readiness(service.url)).toBe(503);
  expect((await fetch(`${service.url}/livez`)).status).toBe(200);
  await create(service.url, { prompt: 'Another bridge' }, bearer(LIVE_KEY));
  expect(await service.ended).toBe(0);
  expect(provider.submits).toEqual(['A bridge']);
  expect(await tasksIn(env.DATABASE_URL)).toEqual([
    { status: 'ACCEPTED', worker_id: null, provider_task_id: idOf('A bridge') },
    { status: 'QUEUED', worker_id: null, provider_task_id: null },
  ]);
});

test('of sixteen submits in flight at SIGTERM, quick and slow ones, each ends with its own id stored', async () => {
  const provider = await startSlowProvider((prompt) => Number(/\d+/.exec(prompt)) * 200);
  const env = await environment({ ...provider.env, DRAIN_MS: '500' });
  const service = await startChild(env);
  const prompts = Array.from({ length: 16 }, (_, i) => `Bridge ${i}`);
  await Promise.all(prompts.map((prompt) => create(service.url, { prompt }, bearer(LIVE_KEY))));
  await until(
    () => provider.submits.length,
    (submits) => submits === 16,
  );
  service.kill('SIGTERM');
  expect(await service.ended).toBe(0);
  expect(provider.submits.toSorted()).toEqual(prompts.toSorted());
  const sql = postgres(env.DATABASE_URL, { max: 1 });
  const rows = await sql`
    select prompt, provider_task_id as id, t.status, worker_id from tasks t join generations g on g.id = t.generation_id`;
  await sql.end();
  expect(rows.toSorted((a, b) => prompts.indexOf(a.prompt) - prompts.indexOf(b.prompt))).toEqual(
    prompts.map((prompt) => ({ prompt, id: idOf(prompt), status: 'ACCEPTED', worker_id: null })),
  );
});

test('a second signal ends at once, whatever is in flight', async () => {
  const provider = await startSlowProvider(() => 20_000);
  const service = await startChild(await environment(provider.env));
  await create(service.url, { prompt: 'A bridge' }, bearer(LIVE_KEY));
  await until(
    () => provider.submits.length,
    (submits) => submits === 1,
  );
  service.kill('SIGINT');
  await until(
    () => readiness(service.url),
    (status) => status === 503,
  );
  const again = performance.now();
  service.kill('SIGTERM');
  expect(await service.ended).toBe(1);
  expect(performance.now() - again).toBeLessThan(1_000);
});

test.each<[env: Record<string, string>, faults: RegExp[]]>([
  [
    {
      PORT: '65536',
      ROLE: 'both',
      DATABASE_URL: 'mysql://there',
      SECRET_KEYS: 'short',
      BOOTSTRAP_API_KEY: 'sk_test_x',
    },
    [/^PORT /, /^ROLE /, /^DATABASE_URL /, /^SECRET_KEYS /, /^BOOTSTRAP_API_KEY /],
  ],
  [
    { ROLE: 'worker', GPTIMAGE2_API_KEY: 'x', DATABASE_DIRECT_URL: 'postgres://there/x' },
    [/^ROLE=worker /, /^DATABASE_DIRECT_URL /, /^GPTIMAGE2_API_KEY /],
  ],
  [{ DATABASE_URL: 'postgres://there/x' }, [/^SECRET_KEYS /]],
])('of a bad configuration (%j) every fault is said in one sentence, and it exits 2', async (env, faults) => {
  const service = await runChild(env);
  expect(await service.ended).toBe(2);
  const sentences = service.errors().trimEnd().split('\n');
  expect(sentences).toEqual(faults.map((fault) => expect.stringMatching(new RegExp(`${fault.source}.*\\.$`))));
});

async function environment(more: Record<string, string> = {}) {
  const folder = await makeFolder();
  const database = await createTestDatabase();
  onTestFinished(database.drop);
  onTestFinished(folder.remove);
  return {
    DATA_DIR: folder.path,
    DATABASE_URL: database.url,
    SECRET_KEYS: SECRET,
    BOOTSTRAP_API_KEY: `${TEST_KEY},${LIVE_KEY}`,
    DRAIN_MS: '5000',
    ...more,
  };
}

/** Stands in for GPTImage2: takes a submit at once, and answers it late. */
async function startSlowProvider(delayOf: (prompt: string) => number) {
  const submits: string[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const { prompt } = JSON.parse(body);
    submits.push(prompt);
    await sleep(delayOf(prompt), undefined, { ref: false });
    response.end(JSON.stringify({ id: idOf(prompt), status: 'pending' }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const env = { GPTIMAGE2_API_KEY: 'x', GPTIMAGE2_BASE_URL: `http://127.0.0.1:${port}`, POLL_FIRST_MS: '60000' };
  return { submits, env };
}

async function subscribe(url: string, id: string): Promise<WebSocket> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  onTestFinished(() => socket.terminate());
  await once(socket, 'open');
  socket.send(JSON.stringify({ type: 'connection_init', payload: bearer(TEST_KEY) }));
  await once(socket, 'message');
  socket.send(JSON.stringify({ type: 'subscribe', id, payload: { query: WATCH, variables: { id } } }));
  await once(socket, 'message');
  return socket;
}

/** An open event stream, and all that it says until it ends, however it ends. */
async function openStream(url: string, id: string): Promise<{ text: Promise<string> }> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { ...bearer(TEST_KEY), 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({ query: WATCH, variables: { id } }),
  });
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const first = await readUpTo(reader, 'event: next');
  return { text: readUpTo(reader).then((rest) => first + rest) };
}

/** All there is up to a chunk with this text, or up to the end. */
async function readUpTo(reader: ReadableStreamDefaultReader<Uint8Array>, text?: string): Promise<string> {
  let read = '';
  try {
    while (text === undefined || !read.includes(text)) {
      const { value, done } = await reader.read();
      if (done) break;
      read += Buffer.from(value).toString();
    }
  } catch {
    // Cut, as it should be.
  }
  return read;
}

function readiness(url: string): Promise<number | string> {
  return fetch(`${url}/readyz`, { headers: { connection: 'close' } }).then(
    ({ status }) => status,
    (error: Error) => String(error.cause),
  );
}

async function tasksIn(databaseUrl: string): Promise<object[]> {
  const sql = postgres(databaseUrl, { max: 1 });
  const rows = await sql`select status, worker_id, provider_task_id from tasks order by id`;
  await sql.end();
  return [...rows];
}
