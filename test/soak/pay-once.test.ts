import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bearer, listCharges, only, query, readUntil, TEST_KEY, type UserError } from '../service/client.ts';
import { type Service, startService } from '../service/service.ts';
import { updatesOf, watchByWebsocket } from '../service/watch.ts';

const CALLERS = 30;
/** It may do all but manage the workspace. */
const PLAIN_KEY = 'sk_test_of-someone-without-admin';

/** Two services on one database, one storage and one sandbox; the other one takes orders only. */
let here: Service;
let there: Service;
let sql: Sql;
beforeAll(async () => {
  here = await startService({ BOOTSTRAP_API_KEY: `${TEST_KEY},${PLAIN_KEY}` });
  there = await startAnother();
  sql = postgres(here.databaseUrl, { max: 1, onnotice: () => {} });
  await sql`update api_keys set scopes = '{GENERATE,READ,DEBUG}' where prefix = ${PLAIN_KEY.slice(0, 12)} and
    hash = encode(sha256(${PLAIN_KEY}::bytea), 'hex')`;
});
afterAll(async () => {
  await sql?.end();
  await there?.stop();
  await here?.stop();
});

interface Payload {
  generation: {
    id: string;
    status: string;
    retryOf: { id: string; status: string } | null;
    request: { images: number };
  };
  replayed: boolean;
  reused: boolean;
  errors: UserError[];
}

const PAYLOAD = `{
  generation { id status request { images } retryOf { id status } }
  replayed
  reused
  errors { code message path retryable }
}`;

test('30 callers with one key at two services buy once, and the key means the same after a restart', async () => {
  const input = { prompt: 'A lighthouse [[slow=0]]', idempotencyKey: 'order of thirty' };
  const payloads = await Promise.all(
    Array.from({ length: CALLERS }, (_, i) => create((i % 2 ? here : there).url, input)),
  );
  const [id, ...others] = [...new Set(payloads.map(({ generation }) => generation.id))];
  expect(others).toEqual([]);
  expect(payloads.filter(({ replayed }) => replayed)).toHaveLength(CALLERS - 1);
  await readUntil(here.url, id ?? '');

  await there.stop();
  there = await startAnother();
  expect(await create(there.url, input)).toMatchObject({ generation: { id }, replayed: true, reused: false });
  expect(await countCharges(input.prompt)).toBe(1);
});

test('an identical finished generation is given back for nothing, and found and watched by the key it was given for', async () => {
  const input = { prompt: 'A harbour [[slow=0]]', metadata: { order: 7 } };
  const bought = await create(here.url, { ...input, reuseWithinSeconds: 600 });
  expect(bought).toMatchObject({ replayed: false, reused: false, errors: [] });
  const { id } = await readUntil(here.url, bought.generation.id);

  const again = { ...input, reuseWithinSeconds: 600, idempotencyKey: 'given' };
  const reused = { generation: { id, status: 'SUCCEEDED' }, replayed: false, reused: true };
  expect(await create(there.url, again)).toMatchObject(reused);
  expect(await create(here.url, again)).toMatchObject({ ...reused, replayed: true });
  const found = await query(here.url, '{ generation(idempotencyKey: "given") { id } }');
  expect(found.data).toEqual({ generation: { id } });
  const watching = watchByWebsocket(there.url, { idempotencyKey: 'given' });
  await watching.completed;
  expect(updatesOf(watching).map(({ final, generation }) => [final, generation.id])).toEqual([[true, id]]);
  expect(await create(here.url, { ...again, metadata: null })).toMatchObject({
    generation: null,
    errors: [{ code: 'IDEMPOTENCY_CONFLICT', path: ['input', 'idempotencyKey'], retryable: false }],
  });
  expect(await countCharges(input.prompt)).toBe(1);
});

test('a retry buys the pictures that are missing, once, and is linked to the first', async () => {
  const { generation: first } = await create(here.url, { prompt: 'A pier [[partial=1]] [[slow=0]]', images: 3 });
  expect(await retry(there.url, { id: first.id, key: 'too soon' })).toMatchObject({
    generation: null,
    errors: [{ code: 'NOT_RETRYABLE', path: ['id'], retryable: true }],
  });
  await readUntil(here.url, first.id);
  const payloads = await Promise.all(
    Array.from({ length: 4 }, (_, i) => retry((i % 2 ? here : there).url, { id: first.id, key: 'again' })),
  );
  const [id = ''] = payloads.map(({ generation }) => generation.id);
  const linked = { id, request: { images: 2 }, retryOf: { id: first.id, status: 'PARTIALLY_SUCCEEDED' } };
  expect(payloads).toMatchObject(payloads.map(() => ({ generation: linked, errors: [] })));
  expect(payloads.filter(({ replayed }) => replayed)).toHaveLength(3);
  expect((await readUntil(here.url, id)).assets).toHaveLength(1);
  expect(await countCharges('A pier [[partial=1]] [[slow=0]]')).toBe(2);
});

test('an operator settles a task whose answer was lost; without the scope ADMIN it is FORBIDDEN', async () => {
  const { generation } = await create(here.url, { prompt: 'A quay [[lost-answer]] [[no-callback]]' });
  const { tasks } = await readUntil(here.url, generation.id, (each) => only(each.tasks).status === 'UNCERTAIN');
  const { id } = only(tasks);

  const refused = await resolve(there.url, { id, billed: true }, PLAIN_KEY);
  expect([refused.data, refused.errors]).toMatchObject([null, [{ extensions: { code: 'FORBIDDEN' } }]]);
  const settled = { status: 'FAILED', failure: { code: 'OUTCOME_UNKNOWN', billed: 'YES' } };
  for (const { url } of [here, there]) {
    expect((await resolve(url, { id, billed: true })).data).toEqual({ resolveTask: { task: settled, errors: [] } });
  }
  expect((await resolve(here.url, { id, billed: false })).data).toEqual({
    resolveTask: { task: settled, errors: [{ code: 'INVALID_INPUT', path: ['id'] }] },
  });
  expect((await resolve(here.url, { id: generation.id, billed: false })).data).toEqual({
    resolveTask: { task: null, errors: [{ code: 'NOT_FOUND', path: ['id'] }] },
  });
  expect(await readUntil(here.url, generation.id)).toMatchObject({ status: 'FAILED', failure: settled.failure });
});

test('with onUncertain: FAIL a lost answer fails at once where the provider cannot be asked, with the default it is held', async () => {
  const prompt = 'A mole [[lost-answer]] [[no-callback]]';
  const [held, failed] = await Promise.all([
    create(here.url, { prompt, routing: {} }),
    create(here.url, { prompt, routing: { onUncertain: 'FAIL' } }),
  ]);
  const ended = await readUntil(here.url, failed.generation.id);
  expect([ended.status, ended.failure]).toMatchObject(['FAILED', { code: 'OUTCOME_UNKNOWN', billed: 'UNKNOWN' }]);
  const { tasks } = await readUntil(here.url, held.generation.id, (each) => only(each.tasks).status === 'UNCERTAIN');
  expect(only(tasks).failure).toMatchObject({ code: 'OUTCOME_UNKNOWN', billed: 'UNKNOWN' });
});

function startAnother(): Promise<Service> {
  return startService({
    BOOTSTRAP_API_KEY: TEST_KEY,
    ROLE: 'api',
    DATABASE_URL: here.databaseUrl,
    SANDBOX_URL: here.sandboxUrl,
    STORAGE_URL: `file:${here.dataDir}/assets`,
  });
}

async function create(url: string, input: object): Promise<Payload> {
  const document = `mutation($input: CreateGenerationInput!) { createGeneration(input: $input) ${PAYLOAD} }`;
  const { data, text } = await query<{ createGeneration: Payload }>(url, document, { input });
  expect(data, text).toBeTruthy();
  return data.createGeneration;
}

async function retry(url: string, variables: { id: string; key: string }): Promise<Payload> {
  const document = `mutation($id: ID!, $key: String) { retryGeneration(id: $id, idempotencyKey: $key) ${PAYLOAD} }`;
  const { data, text } = await query<{ retryGeneration: Payload }>(url, document, variables);
  expect(data, text).toBeTruthy();
  return data.retryGeneration;
}

function resolve(url: string, variables: { id: string; billed: boolean }, key = TEST_KEY) {
  const document = `mutation($id: ID!, $billed: Boolean!) {
    resolveTask(id: $id, billed: $billed) { task { status failure { code billed } } errors { code path } }
  }`;
  return query(url, document, variables, bearer(key));
}

/** How often the provider took an order of this prompt. */
async function countCharges(prompt: string): Promise<number> {
  return (await listCharges(here.sandboxUrl)).filter((charge) => charge.prompt === prompt).length;
}
