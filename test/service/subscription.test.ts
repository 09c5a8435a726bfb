import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { bearer, create, only, query, read, readUntil, TEST_KEY } from './client.ts';
import { type Service, startService } from './service.ts';
import { until } from './until.ts';
import { type Update, updatesOf, WATCH, watchBySse, watchByWebsocket } from './watch.ts';

const STRANGER = 'sk_test_of-the-workspace-stranger';

let service: Service;
beforeAll(async () => {
  service = await startService({ BOOTSTRAP_API_KEY: `${TEST_KEY},stranger:${STRANGER}` });
});
afterAll(() => service?.stop());

describe.each([
  ['WebSocket', watchByWebsocket],
  ['SSE', watchBySse],
] as const)('over %s', (_name, watch) => {
  test('a client that subscribes with the cursor of create sees versions rise, progress never fall, the picture, and one final message', async () => {
    const { generation, cursor } = await create(service.url, { prompt: 'A lighthouse [[slow=1]]' });
    const watching = watch(service.url, { id: generation.id, after: cursor });
    await watching.completed;

    const updates = updatesOf(watching);
    const versions = updates.map((update) => update.generation.version);
    expect(versions[0]).toBeGreaterThan(generation.version);
    expect(versions).toEqual([...new Set(versions)].toSorted((a, b) => a - b));
    const percents = updates.map((update) => update.generation.progress.percent ?? 0);
    expect(percents).toEqual(percents.toSorted((a, b) => a - b));
    expect(new Set(percents).size).toBeGreaterThan(3);
    expect(updates.map(({ final }) => final)).toEqual(updates.map((_, i) => i === updates.length - 1));
    const last = updates.at(-1)?.generation;
    expect(last).toEqual(await read(service.url, generation.id));
    expect(last?.status).toBe('SUCCEEDED');
    expect((await fetch(only(last?.assets ?? []).url?.uri ?? '')).status).toBe(200);
  });

  test('a late subscriber gets one SNAPSHOT, which is final, and then the end', async () => {
    const { generation } = await create(service.url, { prompt: 'A lighthouse [[slow=0]]' });
    const finished = await readUntil(service.url, generation.id);
    const watching = watch(service.url, { id: generation.id });
    await watching.completed;
    expect(updatesOf(watching)).toEqual([
      { kind: 'SNAPSHOT', final: true, generation: finished, cursor: expect.any(String) },
    ]);
  });

  test('a client that holds the final state is told nothing twice: the end comes at once', async () => {
    const { generation } = await create(service.url, { prompt: 'A lighthouse [[slow=0]]' });
    await readUntil(service.url, generation.id);
    const first = watch(service.url, { id: generation.id });
    await first.completed;
    const again = watch(service.url, { id: generation.id, after: updatesOf(first)[0]?.cursor });
    await again.completed;
    expect(updatesOf(again)).toEqual([]);
  });

  test('an early subscriber without a cursor begins with one SNAPSHOT, and a subscription by idempotency key works', async () => {
    const idempotencyKey = `order of ${_name}`;
    const { generation } = await create(service.url, { prompt: 'A lighthouse [[slow=1]]', idempotencyKey });
    const watching = watch(service.url, { idempotencyKey });
    await watching.completed;
    const updates = updatesOf(watching);
    expect(updates[0]?.final).toBe(false);
    expect(updates.map(({ kind }) => kind)).toEqual(updates.map((_, i) => (i === 0 ? 'SNAPSHOT' : 'CHANGE')));
    expect(new Set(updates.map((update) => update.generation.id))).toEqual(new Set([generation.id]));
  });

  test('resuming with the last cursor repeats nothing', async () => {
    const { generation, cursor } = await create(service.url, { prompt: 'A lighthouse [[slow=1]]' });
    const before = watch(service.url, { id: generation.id, after: cursor });
    await until(
      () => updatesOf(before),
      (updates) => updates.length >= 2,
    );
    before.leave();
    const seen = updatesOf(before);
    const after = watch(service.url, { id: generation.id, after: seen.at(-1)?.cursor });
    await after.completed;
    const resumed = updatesOf(after).map((update) => update.generation.version);
    expect(Math.min(...resumed)).toBeGreaterThan(seen.at(-1)?.generation.version ?? Number.NaN);
    expect(updatesOf(after).filter(({ final }) => final)).toHaveLength(1);
  });

  test('what is not there and what is not yours is the same error at once, and nothing hangs', async () => {
    const { generation, cursor } = await create(service.url, { prompt: 'A lighthouse [[slow=0]]' });
    const unknown = `${generation.id.slice(0, -1)}${generation.id.endsWith('0') ? '1' : '0'}`;
    const answers = await Promise.all(
      [
        watch(service.url, { id: generation.id }, WATCH, STRANGER),
        watch(service.url, { id: generation.id, after: cursor }, WATCH, STRANGER),
        watch(service.url, { id: unknown }),
        watch(service.url, { idempotencyKey: 'never used' }),
        watch(service.url, { id: 'tsk_1' }),
        watch(service.url, {}),
      ].map(async ({ completed, messages }) => {
        // A graphql-ws client hands an error message to the sink, a graphql-sse client gives it as a result.
        const thrown = await completed.then(
          () => null,
          (errors: { message: string; extensions: object }[]) => errors,
        );
        const [error] = thrown ?? messages[0]?.errors ?? [];
        expect(messages.filter(({ data }) => data)).toEqual([]);
        return {
          code: error?.extensions && 'code' in error.extensions ? error.extensions.code : null,
          message: error?.message,
        };
      }),
    );
    expect(answers.map(({ code }) => code)).toEqual(answers.map(() => 'BAD_USER_INPUT'));
    expect(answers[0]).toEqual(answers[1]);
    expect(answers[0]).toEqual(answers[2]);
  });
});

test('what is nested in a message is never staler than the message', async () => {
  const { generation } = await create(service.url, { prompt: 'A lighthouse [[slow=1]]' });
  type Nested = Update & { generation: { tasks: { generation: { status: string; version: number } }[] } };
  const watching = watchByWebsocket<{ generationUpdated: Nested }>(
    service.url,
    { id: generation.id },
    `subscription Nested($id: ID) {
      generationUpdated(id: $id) { final generation { status version tasks { generation { status version } } } }
    }`,
  );
  await watching.completed;
  const messages = watching.messages.flatMap(({ data }) => data?.generationUpdated ?? []);
  const lag = messages.map(({ generation: { version, tasks } }) => only(tasks).generation.version - version);
  expect(messages.length).toBeGreaterThan(3);
  expect(Math.min(...lag)).toBeGreaterThanOrEqual(0);
  expect(only(messages.at(-1)?.generation.tasks ?? []).generation.status).toBe('SUCCEEDED');
});

test('clients that stop reading, by WebSocket and by SSE, keep nobody else waiting and do not end the process', async () => {
  // Messages so long that no socket's buffer holds all of them.
  const inputs = Array.from({ length: 20 }, (_, i) => ({
    prompt: `A lighthouse [[slow=2]] [[no-callback=${i}]]`,
    metadata: { padding: 'x'.repeat(16_000) },
  }));
  const { data } = await query<{ createGenerations: { results: { generation: { id: string } }[] } }>(
    service.url,
    'mutation($inputs: [CreateGenerationInput!]!) { createGenerations(inputs: $inputs) { results { generation { id } } } }',
    { inputs },
  );
  const ids = data.createGenerations.results.map(({ generation }) => generation.id);
  const copies = Array.from({ length: 40 }, (_, i) => `copy${i}: metadata`).join(' ');
  const heavy = `subscription Heavy($id: ID) { generationUpdated(id: $id) { final generation { ${copies} } } }`;
  const frozen = await freeze(service.url, ids, heavy);
  const stuck = await Promise.all(ids.slice(0, 5).map((id) => neverRead(service.url, heavy, id)));

  const others = ids.map((id) => watchByWebsocket(service.url, { id }));
  await Promise.all(others.map(({ completed }) => completed));
  expect(others.map((each) => updatesOf(each).at(-1)?.final)).toEqual(ids.map(() => true));
  // Still there, and still frozen.
  expect(frozen.readyState).toBe(WebSocket.OPEN);
  for (const body of stuck) await body.cancel();
  frozen.terminate();
  const fresh = await create(service.url, { prompt: 'A lighthouse [[slow=0]]' });
  expect((await readUntil(service.url, fresh.generation.id)).status).toBe('SUCCEEDED');
});

/** A socket that subscribes to everything and then reads no more. */
async function freeze(url: string, ids: string[], document: string): Promise<WebSocket> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  onTestFinished(() => socket.terminate());
  await once(socket, 'open');
  socket.send(JSON.stringify({ type: 'connection_init', payload: bearer(TEST_KEY) }));
  await once(socket, 'message');
  for (const id of ids) {
    socket.send(JSON.stringify({ type: 'subscribe', id, payload: { query: document, variables: { id } } }));
  }
  await once(socket, 'message');
  (socket as unknown as { _socket: Socket })._socket.pause();
  return socket;
}

/** The body of an event stream that nobody reads. */
async function neverRead(url: string, document: string, id: string): Promise<ReadableStream> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { ...bearer(TEST_KEY), 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({ query: document, variables: { id } }),
  });
  expect(response.status).toBe(200);
  return response.body as ReadableStream;
}
