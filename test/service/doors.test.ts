import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import {
  bearer,
  CREATE,
  type Created,
  create,
  type Generation,
  LIVE_KEY,
  listCharges,
  only,
  query,
  read,
  readUntil,
  TEST_KEY,
} from './client.ts';
import { type Service, startService } from './service.ts';

const OTHER_KEY = 'sk_test_of-the-workspace-other';
const OTHER_LIVE_KEY = 'sk_live_of-the-workspace-other';

describe('with a database of its own the service wants a key', () => {
  let service: Service;
  beforeAll(async () => {
    service = await startService({
      BOOTSTRAP_API_KEY: `${TEST_KEY},${LIVE_KEY},other:${OTHER_KEY},other:${OTHER_LIVE_KEY}`,
    });
  });
  afterAll(() => service?.stop());

  test('a mutation without a key makes no row', async () => {
    const before = await countGenerations(service);
    const { status, errors } = await query(service.url, CREATE, { input: { prompt: 'Not for strangers' } }, {});
    expect([status, only(errors).extensions.code]).toEqual([401, 'UNAUTHENTICATED']);
    expect(await countGenerations(service)).toBe(before);
  });

  test('a TEST key reaches the sandbox', async () => {
    const { generation } = await create(service.url, { prompt: 'A lighthouse [[slow=0]]' });
    const { status, tasks } = await readUntil(service.url, generation.id);
    expect([status, only(tasks).provider]).toEqual(['SUCCEEDED', { slug: 'gptimage2', mode: 'TEST' }]);
  });

  test('a LIVE key without a live provider is told so, and nothing is stored', async () => {
    const input = { prompt: 'A lighthouse' };
    const answer = await query<{ createGeneration: Created }>(service.url, CREATE, { input }, bearer(LIVE_KEY));
    const { generation, errors } = answer.data.createGeneration;
    expect([generation, only(errors).code]).toEqual([null, 'NO_PROVIDER_AVAILABLE']);
    expect(await countGenerations(service, LIVE_KEY)).toBe(0);
  });

  test.each([
    ['another workspace', OTHER_KEY],
    ['another mode', LIVE_KEY],
  ])('what is one workspace’s does not exist for %s', async (_name, key) => {
    const { generation } = await create(service.url, {
      prompt: 'A secret canary [[slow=0]]',
      idempotencyKey: `mine, not of ${key}`,
    });
    const mine = await readUntil(service.url, generation.id);
    const ids = [mine.id, only(mine.tasks).id, only(mine.assets).id];

    const answers = await Promise.all(
      [
        query(service.url, 'query($id: ID!) { generation(id: $id) { prompt } }', { id: mine.id }, bearer(key)),
        query(
          service.url,
          'query($k: String!) { generation(idempotencyKey: $k) { prompt } }',
          { k: `mine, not of ${key}` },
          bearer(key),
        ),
        ...ids.map((id) => query(service.url, 'query($id: ID!) { node(id: $id) { id } }', { id }, bearer(key))),
        query(service.url, 'query($ids: [ID!]!) { nodes(ids: $ids) { id } }', { ids }, bearer(key)),
        query<Page>(service.url, LIST, {}, bearer(key)),
        query(
          service.url,
          'mutation($id: ID!) { cancelGeneration(id: $id) { generation { id } errors { code } } }',
          { id: mine.id },
          bearer(key),
        ),
        query(
          service.url,
          'mutation($id: ID!) { retryGeneration(id: $id) { generation { id } errors { code } } }',
          { id: mine.id },
          bearer(key),
        ),
        query(
          service.url,
          'mutation($id: ID!) { resolveTask(id: $id, billed: true) { task { id } errors { code } } }',
          { id: ids[1] },
          bearer(key),
        ),
      ].map(async (answer) => (await answer).data),
    );
    expect(answers).toEqual([
      { generation: null },
      { generation: null },
      { node: null },
      { node: null },
      { node: null },
      { nodes: [null, null, null] },
      { generations: { edges: [] } },
      { cancelGeneration: { generation: null, errors: [{ code: 'NOT_FOUND' }] } },
      { retryGeneration: { generation: null, errors: [{ code: 'NOT_FOUND' }] } },
      { resolveTask: { task: null, errors: [{ code: 'NOT_FOUND' }] } },
    ]);
    expect(await read(service.url, mine.id)).toEqual(mine);
  });

  test('two workspaces may use the same idempotency key, and neither learns of the other', async () => {
    const input = { prompt: 'A lighthouse [[slow=0]]', idempotencyKey: 'the same' };
    const [mine, theirs] = await Promise.all([
      create(service.url, input),
      create(service.url, { ...input, prompt: 'A harbour [[slow=0]]' }, bearer(OTHER_KEY)),
    ]);
    expect(theirs.generation.id).not.toBe(mine.generation.id);
  });
});

test('a LIVE key works end to end with a live provider, which a TEST key never reaches', async () => {
  const sandbox = await startService();
  const live = await startService({
    GPTIMAGE2_API_KEY: 'sandbox-x',
    GPTIMAGE2_BASE_URL: `${sandbox.sandboxUrl}/gptimage2`,
    FETCH_ALLOWED_HOSTS: new URL(sandbox.sandboxUrl).host,
  });
  try {
    const prompt = 'A lighthouse [[slow=0]]';
    const paid = await create(live.url, { prompt }, bearer(LIVE_KEY));
    const free = await create(live.url, { prompt });
    const done = await readUntil(live.url, paid.generation.id, undefined, { headers: bearer(LIVE_KEY) });
    await readUntil(live.url, free.generation.id);
    expect([done.status, only(done.tasks).provider]).toEqual(['SUCCEEDED', { slug: 'gptimage2', mode: 'LIVE' }]);
    expect((await fetch(only(done.assets).url?.uri ?? '')).status).toBe(200);
    const billed = await listCharges(sandbox.sandboxUrl);
    expect(billed.map(({ taskId }) => taskId)).toEqual([only(done.tasks).providerTaskId]);
  } finally {
    await live.stop();
    await sandbox.stop();
  }
});

describe('without a key, on the embedded database', () => {
  let service: Service;
  beforeAll(async () => {
    service = await startService({ DATABASE_URL: undefined, BOOTSTRAP_API_KEY: undefined });
  });
  afterAll(() => service?.stop());

  const body = JSON.stringify({
    query: 'mutation { createGeneration(input: { prompt: "Stolen" }) { generation { id } } }',
  });

  test.each([
    ['under a name that is not loopback', { host: 'evil.example' }, 403],
    ['under a name that begins like loopback', { host: '127.0.0.1.evil.example' }, 403],
    ['for a page of another origin', { origin: 'https://evil.example' }, 403],
    ['for a page without an origin', { origin: 'null' }, 403],
    ['as text/plain', { 'content-type': 'text/plain' }, 415],
    ['as a form', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
    ['as a multipart form', { 'content-type': 'multipart/form-data; boundary=x' }, 415],
    ['without a content type', { 'content-type': '' }, 415],
  ])('a mutation %s is refused and makes no row', async (_name, headers, status) => {
    const answer = await post(service.url, { 'content-type': 'application/json', ...headers }, body);
    expect(answer.status, answer.text).toBe(status);
    expect(await countGenerations(service, null)).toBe(0);
  });

  test('a WebSocket from a page of another origin is closed with 4401, after which clients stop, and one from our own is served', async () => {
    expect(await closeCode(service.url, {}, { origin: 'https://evil.example' })).toBe(4401);
    expect(await closeCode(service.url, {}, { headers: { host: 'evil.example' } })).toBe(4401);
    expect(await closeCode(service.url, {}, { origin: service.url })).toBe('acknowledged');
  });

  test('a key that is no text, or is spelt as the header, is a key all the same: never somebody without one', async () => {
    expect(await closeCode(service.url, { authorization: 5 })).toBe(4401);
    expect(await closeCode(service.url, { Authorization: 'Bearer sk_test_nobody-has-this' })).toBe(4401);
  });

  test('the same POST as its own page sends it makes one', async () => {
    const answer = await post(service.url, { 'content-type': 'application/json', origin: service.url }, body);
    expect([answer.status, await countGenerations(service, null)]).toEqual([200, 1]);
  });
});

const LIST = 'query($after: Cursor) { generations(first: 100, after: $after) { edges { cursor node { id prompt } } } }';
interface Page {
  generations: { edges: { cursor: string; node: Pick<Generation, 'id' | 'prompt'> }[] };
}

async function countGenerations({ url }: Service, key: string | null = TEST_KEY): Promise<number> {
  const { data } = await query<Page>(url, LIST, {}, bearer(key));
  return data.generations.edges.length;
}

/** What the server does with a connection_init: the code it closes with, or that it takes it. */
function closeCode(
  url: string,
  payload: Record<string, unknown>,
  options: { origin?: string; headers?: Record<string, string> } = {},
): Promise<number | string> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', options);
  return new Promise((resolve, reject) => {
    socket.on('open', () => socket.send(JSON.stringify({ type: 'connection_init', payload })));
    socket.on('message', () => {
      socket.terminate();
      resolve('acknowledged');
    });
    socket.on('close', (code) => resolve(code));
    socket.on('error', reject);
  });
}

/** fetch sets Host and Origin itself. */
function post(url: string, headers: Record<string, string>, body: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(`${url}/graphql`, { method: 'POST', headers, agent: false }, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
