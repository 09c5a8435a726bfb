import { once } from 'node:events';
import { connect } from 'node:net';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { bearer, CREATE, create, GENERATION, type Generation, only, query, readUntil, TEST_KEY } from './client.ts';
import { type Service, startService } from './service.ts';
import { until } from './until.ts';
import { WATCH, watchByWebsocket } from './watch.ts';

const STRANGER = 'sk_test_of-the-workspace-stranger';
/** SQL, stacks, files and modules: nothing of that is for clients. */
const INSIDES = /select |insert |update |relation|column "|postgres|node_modules|\/src\/|\.ts\b|\n\s+at /i;

let service: Service;
let sql: postgres.Sql;
let made: { generation: Generation; version: string; page: string; workspace: string };
beforeAll(async () => {
  service = await startService({ BOOTSTRAP_API_KEY: `${TEST_KEY},stranger:${STRANGER}` });
  sql = postgres(service.databaseUrl, { max: 1, onnotice: () => {} });
  const { generation, cursor: version } = await create(service.url, { prompt: 'A lighthouse [[slow=0]]' });
  const finished = await readUntil(service.url, generation.id);
  const { data } = await query<{ viewer: { workspace: { id: string } }; generations: { edges: { cursor: string }[] } }>(
    service.url,
    '{ viewer { workspace { id } } generations { edges { cursor } } }',
  );
  const page = only(data.generations.edges).cursor;
  made = { generation: finished, version, page, workspace: data.viewer.workspace.id };
});
afterAll(async () => {
  await sql?.end();
  await service?.stop();
});

const AFTER = 'query($c: Cursor) { generations(after: $c) { edges { cursor } } }';
const BEFORE = 'query($c: Cursor) { generations(before: $c) { edges { cursor } } }';
const LIST_AFTER = 'query($d: DateTime) { generations(filter: { createdAfter: $d }) { edges { cursor } } }';
const CREATE_MANY =
  'mutation($i: [CreateGenerationInput!]!) { createGenerations(inputs: $i) { results { replayed } } }';
const SEARCH = 'query($p: String) { generations(filter: { promptContains: $p }) { edges { cursor } } }';

test.each<[name: string, argument: string, document: string, variables: () => Record<string, unknown>]>([
  ['a version as the start of a page', 'after', AFTER, () => ({ c: made.version })],
  ['a version as the end of a page', 'before', BEFORE, () => ({ c: made.version })],
  ['garbage as the start of a page', 'after', AFTER, () => ({ c: 'garbage\0' })],
  ['a forged place in a list', 'after', AFTER, () => ({ c: forge('page', 'gen_\0') })],
  ['a task as a generation', 'id', 'query($id: ID) { generation(id: $id) { id } }', () => ({ id: 'tsk_1' })],
  ['no name of a generation', 'id', '{ generation { id } }', () => ({})],
  ['a page of none', 'first', '{ generations(first: 0) { edges { cursor } } }', () => ({})],
  ['a page of 101', 'first', '{ generations(first: 101) { edges { cursor } } }', () => ({})],
  ['a page of -1 from the end', 'last', '{ generations(last: -1) { edges { cursor } } }', () => ({})],
  ['a page of both ends', 'last', '{ generations(first: 1, last: 1) { edges { cursor } } }', () => ({})],
  ['a NUL in a filter', 'filter', SEARCH, () => ({ p: '\0' })],
  ['101 nodes', 'ids', 'query($ids: [ID!]!) { nodes(ids: $ids) { id } }', () => ({ ids: Array(101).fill('gen_1') })],
  ['51 inputs', 'inputs', CREATE_MANY, () => ({ i: Array(51).fill({ prompt: 'x' }) })],
  ['no input', 'inputs', CREATE_MANY, () => ({ i: [] })],
])('%s is BAD_USER_INPUT that names the argument and what is allowed', async (_name, argument, document, variables) => {
  const { data, errors, text } = await query(service.url, document, variables());
  expect(data === null || Object.values(data).every((value) => value === null), text).toBe(true);
  const { extensions, path } = only(errors);
  expect(extensions).toEqual({ code: 'BAD_USER_INPUT', argument, allowed: expect.any(Array) });
  expect(extensions.allowed?.length).toBeGreaterThan(0);
  expect(path).toHaveLength(1);
  expect(await countRows()).toBe(1);
});

test.each<[name: string, cursor: () => string]>([
  ['a place in a list', () => made.page],
  ['a version of another generation', () => forge('version', 'gen_01kxxxxxxxxxxxxxxxxxxxxxxx.1')],
  ['a version that never ends', () => forge('version', `${made.generation.id}.1e999`)],
  ['a version that is none', () => forge('version', `${made.generation.id}.x`)],
])('%s is no cursor to subscribe with', async (_name, cursor) => {
  const variables = { id: made.generation.id, after: cursor() };
  const headers = { ...bearer(TEST_KEY), accept: 'text/event-stream' };
  const response = await fetch(`${service.url}/graphql`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({ query: WATCH, variables }),
  });
  const text = await response.text();
  expect(text).toContain('"code":"BAD_USER_INPUT","argument":"after"');
  expect(text).not.toContain('"generationUpdated":{');
});

test('words the schema does not know are refused before anything is done, without suggesting insides', async () => {
  for (const document of [
    'mutation { createGeneration(input: { prompt: "x", images: 2147483648 }) { generation { id } } }',
    'mutation { createGeneration(input: { prompt: "x", size: {} }) { generation { id } } }',
    'mutation { createGeneration(input: { prompt: "x", thinking: "DEEP" }) { generation { id } } }',
    'query { generations(filter: { createdAfter: "0000-01-01T00:00:00Z" }) { edges { cursor } } }',
    'query { generations(filter: { createdAfter: "9999-12-31T23:59:59-23:00" }) { edges { cursor } } }',
    'query { generations(filter: { createdAfter: "yesterday" }) { edges { cursor } } }',
    '{ password }',
    '{',
  ]) {
    const { status, data, errors, text } = await query(service.url, document);
    expect(data, text).toBeUndefined();
    expect(errors.length).toBeGreaterThan(0);
    const expected = document === '{' ? 'GRAPHQL_PARSE_FAILED' : 'GRAPHQL_VALIDATION_FAILED';
    expect(new Set(errors.map(({ extensions }) => extensions?.code)), text).toEqual(new Set([expected]));
    expect(status).toBeLessThan(500);
    expect(text).not.toMatch(INSIDES);
  }
  expect(await countRows()).toBe(1);
});

test.each<[name: string, document: string, variables: Record<string, unknown>, says: string]>([
  ['a date that is none', LIST_AFTER, { d: 'yesterday' }, 'Variable "$d" got invalid value "yesterday"'],
  ['a year that PostgreSQL has not', LIST_AFTER, { d: '0000-01-01T00:00:00Z' }, 'Variable "$d" got invalid value'],
  ['a number as a date', LIST_AFTER, { d: 5 }, 'Variable "$d" got invalid value 5'],
  [
    'a prompt that is none',
    CREATE,
    { input: { prompt: 5 } },
    'Variable "$input" got invalid value 5 at "input.prompt"',
  ],
  ['an input that is missing', CREATE, {}, 'Variable "$input" of required type "CreateGenerationInput!"'],
  ['a word the schema does not know', CREATE, { input: { prompt: 'x', size: { pixels: null } } }, 'Variable "$input"'],
])(
  '%s in a variable is BAD_USER_INPUT that names the variable, on every transport',
  async (_name, document, variables, says) => {
    const { errors } = await query(service.url, document, variables);
    expect(only(errors)).toMatchObject({
      extensions: { code: 'BAD_USER_INPUT' },
      message: expect.stringContaining(says),
    });
    const watching = watchByWebsocket(service.url, variables, document);
    await watching.completed.catch(() => {});
    expect(watching.messages.flatMap((message) => message.errors ?? [])).toMatchObject(errors);
    expect(await countRows()).toBe(1);
  },
);

test('nodes answers null in the place of what is foreign, of another kind or garbage, and the rest all the same', async () => {
  const { id, tasks, assets } = made.generation;
  const foreign = await create(service.url, { prompt: 'A lighthouse [[slow=0]]' }, bearer(STRANGER));
  onTestFinished(async () => {
    await readUntil(service.url, foreign.generation.id, undefined, { headers: bearer(STRANGER) });
    await sql`delete from generations where id = ${foreign.generation.id}`.catch(() => {});
  });
  const garbage = ['', '_', 'gen_', 'constructor', 'toString_1', '__proto__', 'key_\0', 'gen_\0', 'xch_1', '🌅'];
  const twisted = [id.toUpperCase(), ` ${id}`, `${id}\0`, id.replace('gen_', 'tsk_'), id.replace('gen_', 'key_')];
  const wrong = [foreign.generation.id, ...garbage, ...twisted];
  const right = [id, only(tasks).id, only(assets).id, 'mdl_seedream-5.0-lite', 'prv_gptimage2', made.workspace];
  const { data, text } = await query<{ nodes: object[] }>(
    service.url,
    'query($ids: [ID!]!) { nodes(ids: $ids) { id } }',
    { ids: [...wrong, ...right] },
  );
  expect(data?.nodes, text).toEqual([...wrong.map(() => null), ...right.map((each) => ({ id: each }))]);
});

test('what nobody foresaw is masked for clients, and logged whole', async () => {
  await sql`alter table exchanges rename to exchanges_gone`;
  onTestFinished(async () => {
    await sql`alter table exchanges_gone rename to exchanges`;
  });
  const document = `query($id: ID) { generation(id: $id) { ...Whole } } ${GENERATION}`;
  const { errors, text } = await query(service.url, document, { id: made.generation.id });
  expect(only(errors).extensions).toEqual({ code: 'INTERNAL_SERVER_ERROR' });
  expect(text).not.toMatch(INSIDES);
  const logged = service.logged.filter(({ msg }) => msg === 'an operation failed');
  expect(JSON.stringify(only(logged))).toMatch(/relation .*exchanges.* does not exist/);
});

test('when all database connections are cut, every answer is a success or UNAVAILABLE, and all is well after', async () => {
  const cut = () =>
    sql`select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()`;
  const keys = Array.from({ length: 60 }, (_, i) => `while cut ${i}`);
  const answers = await Promise.all(
    keys.map(async (idempotencyKey, i) => {
      if (i % 10 === 5) await cut();
      const input = { prompt: 'A lighthouse [[slow=0]]', idempotencyKey };
      return query(service.url, CREATE, { input });
    }),
  );
  const codes = answers.map(({ errors }) => errors[0]?.extensions.code ?? 'SUCCESS');
  expect(codes.filter((code) => code !== 'SUCCESS' && code !== 'UNAVAILABLE')).toEqual([]);
  for (const { text } of answers) expect(text).not.toMatch(INSIDES);

  // The same key once more: nothing is made twice, whatever became of the first answer.
  for (const idempotencyKey of keys) {
    const input = { prompt: 'A lighthouse [[slow=0]]', idempotencyKey };
    await until(
      () => query<{ createGeneration: { generation: Generation } }>(service.url, CREATE, { input }),
      ({ errors }) => errors.length === 0,
    );
  }
  const rows = await sql`select count(*)::int as rows from generations where idempotency_key like 'while cut %'`;
  expect(rows[0]?.rows).toBe(keys.length);
  await until(
    () => sql`select 1 from generations where finished_at is null`,
    (unfinished) => unfinished.length === 0,
    30_000,
  );
});

async function countRows(): Promise<number> {
  const [row] = await sql`select count(*)::int as rows from generations`;
  return row?.rows;
}

/** What anyone can write who has looked into a cursor. */
function forge(kind: string, value: string): string {
  return Buffer.from(JSON.stringify([kind, made.workspace, value])).toString('base64url');
}

test('a client that resets in the middle of an upgrade to nowhere disturbs nobody', async () => {
  const { hostname, port } = new URL(service.url);
  for (let i = 0; i < 20; i += 1) {
    const socket = connect(Number(port), hostname);
    socket.on('error', () => {});
    socket.write('GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    await once(socket, 'connect');
    socket.resetAndDestroy();
  }
  expect((await fetch(`${service.url}/livez`)).status).toBe(200);
});
