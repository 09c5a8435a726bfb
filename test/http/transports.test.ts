import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hashKey } from '../../src/workspace/keys.ts';
import { bearer, create, LIVE_KEY, only, query, readUntil, TEST_KEY } from '../service/client.ts';
import { type Service, startService } from '../service/service.ts';
import { aliases, doubling, nest, throughTheCycle } from './documents.ts';
import { DRIVERS, isByGet, isStreaming, type Operation, type Outcome } from './drivers.ts';

const OTHER_KEY = 'sk_test_of-the-workspace-other';
const EXPIRED_KEY = 'sk_test_that-has-expired-a-while-ago';

let service: Service;
let sql: postgres.Sql;
let made: { id: string; version: string; page: string };
beforeAll(async () => {
  service = await startService({ BOOTSTRAP_API_KEY: `${TEST_KEY},${LIVE_KEY},other:${OTHER_KEY},${EXPIRED_KEY}` });
  sql = postgres(service.databaseUrl, { max: 1, onnotice: () => {} });
  await sql`update api_keys set expires_at = now() where hash = ${hashKey(EXPIRED_KEY)}`;
  const { generation, cursor: version } = await create(service.url, { prompt: 'A secret canary [[slow=0]]' });
  await readUntil(service.url, generation.id);
  const { data } = await query<{ generations: { edges: { cursor: string }[] } }>(service.url, LIST);
  made = { id: generation.id, version, page: only(data.generations.edges).cursor };
});
afterAll(async () => {
  await sql?.end();
  await service?.stop();
});

const LIST = 'query($after: Cursor) { generations(after: $after) { edges { cursor } } }';
const READ = 'query($id: ID!) { generation(id: $id) { prompt } node(id: $id) { id } nodes(ids: [$id]) { id } }';
const FINAL = 'subscription($id: ID, $after: Cursor) { generationUpdated(id: $id, after: $after) { final } }';
const NAMED = 'query A { viewer { mode } } query B { viewer { mode } }';

interface Rule {
  name: string;
  operation: () => Operation;
  /** Of the only error; or the whole of data, where there is none. */
  gives: { code: string; says?: RegExp; argument?: string } | { data: unknown };
  /** Refused in the middle of execution, when HTTP has been told that all is well. */
  whileExecuting?: true;
  /** A WebSocket is closed with it. */
  closes?: number;
}

/** Who calls: what holds for every operation. */
const CALLERS: Rule[] = (
  [
    ['no key', null, 4401],
    ['an unknown key', `Bearer sk_test_nobody-ever-made-this-one`, 4401],
    ['a key with a letter too many', `Bearer ${TEST_KEY}x`, 4401],
    ['a key of another scheme', `Basic ${TEST_KEY}`, 4401],
    ['a key that has expired', `Bearer ${EXPIRED_KEY}`, 4403],
  ] as const
).map(([name, authorization, closes]) => ({
  name,
  operation: () => ({ query: '{ viewer { mode } }', authorization }),
  gives: { code: 'UNAUTHENTICATED', argument: 'authorization' },
  closes,
}));

/** One operation is found, or it is said why not. */
const OPERATIONS: Rule[] = [
  {
    name: 'one operation',
    operation: () => ({ query: '{ viewer { mode } }' }),
    gives: { data: { viewer: { mode: 'TEST' } } },
  },
  {
    name: 'the operation that is named',
    operation: () => ({ query: NAMED, operationName: 'B' }),
    gives: { data: { viewer: { mode: 'TEST' } } },
  },
  {
    name: 'several operations and no name',
    operation: () => ({ query: NAMED }),
    gives: { code: 'BAD_USER_INPUT', argument: 'operationName', says: /has several operations/ },
  },
  {
    name: 'a name that no operation has',
    operation: () => ({ query: NAMED, operationName: 'C' }),
    gives: { code: 'BAD_USER_INPUT', argument: 'operationName', says: /has no operation "C"/ },
  },
  {
    name: 'a document without an operation',
    operation: () => ({ query: 'fragment F on Query { __typename }' }),
    gives: { code: 'BAD_USER_INPUT', says: /has no operation/ },
  },
  { name: 'half a document', operation: () => ({ query: '{ viewer' }), gives: { code: 'GRAPHQL_PARSE_FAILED' } },
  { name: 'an empty document', operation: () => ({ query: ' ' }), gives: { code: 'GRAPHQL_PARSE_FAILED' } },
  {
    name: 'an unknown field',
    operation: () => ({ query: '{ password }' }),
    gives: { code: 'GRAPHQL_VALIDATION_FAILED' },
  },
  {
    name: 'a fragment cycle',
    operation: () => ({ query: '{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }' }),
    gives: { code: 'GRAPHQL_VALIDATION_FAILED' },
  },
  {
    name: 'a variable that does not fit',
    operation: () => ({ query: LIST, variables: { after: { __proto__: 1 } } }),
    gives: { code: 'BAD_USER_INPUT', says: /\$after/ },
  },
  {
    name: 'a null that its argument does not take',
    operation: () => ({ query: 'query($id: ID = "x") { nodes(ids: [$id]) { id } }', variables: { id: null } }),
    gives: { code: 'BAD_USER_INPUT', argument: 'ids', says: /^Argument "ids" has invalid value/ },
    whileExecuting: true,
  },
];

/** What is not yours does not exist. */
const STRANGERS: Rule[] = [
  ['another workspace', OTHER_KEY],
  ['another mode', LIVE_KEY],
].flatMap(([who, key = '']): Rule[] => [
  {
    name: `${who} reads`,
    operation: () => ({ query: READ, variables: { id: made.id }, authorization: `Bearer ${key}` }),
    gives: { data: { generation: null, node: null, nodes: [null] } },
  },
  {
    name: `${who} watches`,
    operation: () => ({ query: FINAL, variables: { id: made.id }, authorization: `Bearer ${key}` }),
    gives: { code: 'BAD_USER_INPUT', argument: 'id' },
  },
  {
    name: `${who} watches with my cursor`,
    operation: () => ({
      query: FINAL,
      variables: { id: made.id, after: made.version },
      authorization: `Bearer ${key}`,
    }),
    gives: { code: 'BAD_USER_INPUT', argument: 'id' },
  },
]);

const CURSORS: Rule[] = [
  {
    name: 'a place in the list of another workspace',
    operation: () => ({ query: LIST, variables: { after: made.page }, authorization: `Bearer ${OTHER_KEY}` }),
    gives: { code: 'BAD_USER_INPUT', argument: 'after' },
    whileExecuting: true,
  },
  {
    name: 'a version as a place in a list',
    operation: () => ({ query: LIST, variables: { after: made.version } }),
    gives: { code: 'BAD_USER_INPUT', argument: 'after' },
    whileExecuting: true,
  },
  {
    name: 'a place in a list to subscribe with',
    operation: () => ({ query: FINAL, variables: { id: made.id, after: made.page } }),
    gives: { code: 'BAD_USER_INPUT', argument: 'after' },
  },
  {
    name: 'nothing to subscribe to',
    operation: () => ({ query: FINAL }),
    gives: { code: 'BAD_USER_INPUT', argument: 'id' },
  },
  {
    name: 'a subscription',
    operation: () => ({ query: FINAL, variables: { id: made.id } }),
    gives: { data: { generationUpdated: { final: true } } },
  },
];

/** What a document may cost. */
const COSTS: Rule[] = (
  [
    ['a cycle of the schema, 40 levels', nest(40), 'QUERY_TOO_EXPENSIVE', /levels deep; the limit is 15/],
    ['21 fields at the root', aliases(21, 'viewer { mode }'), 'QUERY_TOO_EXPENSIVE', /21 fields at its root/],
    ['1,001 aliases of __typename', aliases(1_001, '__typename'), 'QUERY_TOO_EXPENSIVE', /1,001 aliases/],
    ['5,000 repeated fields', `{ ${'__typename '.repeat(5_000)} }`, 'QUERY_TOO_EXPENSIVE', /5,000 fields in one place/],
    ['10 directives', `{ __typename ${'@aa'.repeat(10)} }`, 'QUERY_TOO_EXPENSIVE', /10 directives/],
    ['10,001 tokens', `{ ${'__typename '.repeat(9_999)} }`, 'GRAPHQL_PARSE_FAILED', /10000 tokens/],
    ['20,000 [', '['.repeat(20_000), 'GRAPHQL_PARSE_FAILED', /./],
    ['20,000 {self', '{self'.repeat(20_000), 'GRAPHQL_PARSE_FAILED', /./],
    ['22 levels of doubling fragments', doubling(22), 'QUERY_TOO_EXPENSIVE', /cost of 4,194,304/],
    [
      '6 levels of doubling fragments through a cycle',
      throughTheCycle(6),
      'QUERY_TOO_EXPENSIVE',
      /levels deep|cost of/,
    ],
    ['a page of 50,000', '{ generations(first: 50000) { edges { cursor } } }', 'QUERY_TOO_EXPENSIVE', /100,001 fields/],
    [
      'the schema 40 times',
      aliases(
        40,
        '__schema { types { fields { args { type { name } } type { name ofType { name ofType { name } } } } } }',
      ),
      'QUERY_TOO_EXPENSIVE',
      /fields about the schema/,
    ],
  ] as const
).map(([name, document, code, says]) => ({ name, operation: () => ({ query: document }), gives: { code, says } }));

const PAGES: Rule[] = [0, -1, 101].map((first) => ({
  name: `a page of ${first}`,
  operation: () => ({ query: `{ generations(first: ${first}) { edges { cursor } } }` }),
  gives: { code: 'BAD_USER_INPUT', argument: 'first' },
  whileExecuting: true,
}));

test.each([...CALLERS, ...OPERATIONS, ...STRANGERS, ...CURSORS, ...COSTS, ...PAGES])(
  '$name: every transport says the same',
  async (rule) => {
    const operation = rule.operation();
    const outcomes = await everywhere(operation);
    expect(outcomes.map(([transport, outcome]) => [transport, tell(outcome)])).toEqual(
      outcomes.map(([transport]) => [transport, expected(rule, operation, transport)]),
    );
  },
);

test('what nobody foresaw: every transport says only that it happened', async () => {
  await sql`alter table assets rename to assets_gone`;
  try {
    const outcomes = await everywhere({ query: '{ generations { edges { cursor } } }' });
    const gives = { code: 'INTERNAL_SERVER_ERROR', says: /^Something went wrong here; it was logged\.$/ };
    const rule: Rule = { name: 'masked', operation: () => ({ query: '' }), gives, whileExecuting: true };
    expect(outcomes.map(([transport, outcome]) => [transport, tell(outcome)])).toEqual(
      outcomes.map(([transport]) => [transport, expected(rule, { query: '' }, transport)]),
    );
  } finally {
    await sql`alter table assets_gone rename to assets`;
  }
});

test.each(Object.entries(DRIVERS).filter(([transport]) => !isByGet(transport)))(
  '%s refuses a message of more than 1 MiB without executing it',
  async (transport, run) => {
    const before = await countGenerations();
    const outcome = await run(service.url, {
      query: 'mutation($p: String!) { createGeneration(input: { prompt: $p }) { cursor } }',
      variables: { p: 'x'.repeat(1024 * 1024) },
    });
    if (transport === 'WebSocket') expect(outcome.closedWith).toBe(1009);
    else expect([outcome.status, only(outcome.errors).extensions.code]).toEqual([413, 'BAD_USER_INPUT']);
    expect(await countGenerations()).toBe(before);
  },
);

test.each(Object.keys(DRIVERS).filter(isByGet))('a mutation is refused with 405: %s', async (transport) => {
  const before = await countGenerations();
  const outcome = await DRIVERS[transport]?.(service.url, {
    query: 'mutation { createGeneration(input: { prompt: "By a link" }) { cursor } }',
  });
  expect([outcome?.status, only(outcome?.errors ?? []).extensions]).toEqual([405, { code: 'BAD_USER_INPUT' }]);
  expect(await countGenerations()).toBe(before);
});

test.each([
  ['a list', '[{"query":"{ __typename }"}]'],
  ['a number', '1'],
  ['null', 'null'],
  ['nothing', ''],
  ['no JSON', '{'],
  ['no query', '{}'],
  ['a query that is no text', '{"query":{"a":1}}'],
  ['variables that are a list', '{"query":"{ __typename }","variables":[]}'],
  ['a parameter that nobody knows', '{"query":"{ __typename }","unknown":1}'],
])('a body of %s is 400 and BAD_USER_INPUT', async (_name, body) => {
  const headers = { ...bearer(TEST_KEY), 'content-type': 'application/json', accept: 'application/json' };
  const response = await fetch(`${service.url}/graphql`, { method: 'POST', headers, body });
  const { errors } = (await response.json()) as { errors: Outcome['errors'] };
  expect([response.status, errors.map(({ extensions }) => extensions)]).toEqual([400, [{ code: 'BAD_USER_INPUT' }]]);
});

test('variables in a URL that are no JSON are 400 and BAD_USER_INPUT', async () => {
  const search = new URLSearchParams({ query: '{ __typename }', variables: '{' });
  const response = await fetch(`${service.url}/graphql?${search}`, { headers: bearer(TEST_KEY) });
  const { errors } = (await response.json()) as { errors: Outcome['errors'] };
  expect([response.status, only(errors).extensions]).toEqual([400, { code: 'BAD_USER_INPUT' }]);
});

test.each<[accept: string | null, query: string, status: number, type: string | RegExp]>([
  [null, 'query', 200, 'application/json; charset=utf-8'],
  ['*/*', 'query', 200, 'application/json; charset=utf-8'],
  ['application/*', 'query', 200, 'application/json; charset=utf-8'],
  ['application/graphql-response+json, application/json;q=0.9', 'query', 200, /^application\/graphql-response\+json/],
  ['application/graphql-response+json;q=0.5, application/json', 'query', 200, /^application\/json/],
  ['text/event-stream, application/json', 'query', 200, /^application\/json/],
  ['text/event-stream', 'query', 200, /^text\/event-stream/],
  ['application/json;q=0', 'query', 406, /^application\/json/],
  ['image/png', 'query', 406, /^application\/json/],
  ['*/*', 'subscription', 200, /^text\/event-stream/],
  ['application/json', 'subscription', 406, /^application\/json/],
  ['multipart/mixed', 'subscription', 406, /^application\/json/],
  ['text/event-stream, multipart/mixed', 'subscription', 200, /^text\/event-stream/],
  [
    'multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/graphql-response+json,application/json;q=0.9',
    'subscription',
    200,
    'multipart/mixed;boundary="graphql";subscriptionSpec=1.0',
  ],
])('with Accept %s a %s is answered %i as %s', async (accept, kind, status, type) => {
  const body = kind === 'query' ? { query: '{ __typename }' } : { query: FINAL, variables: { id: made.id } };
  const headers = { ...bearer(TEST_KEY), 'content-type': 'application/json', ...(accept && { accept }) };
  const response = await fetch(`${service.url}/graphql`, { method: 'POST', headers, body: JSON.stringify(body) });
  await response.text();
  expect(response.status).toBe(status);
  expect(response.headers.get('content-type')).toMatch(type);
});

async function everywhere(operation: Operation): Promise<[transport: string, outcome: Outcome][]> {
  const runs = Object.entries(DRIVERS).map(async ([transport, run]): Promise<[string, Outcome]> => {
    const outcome = await run(service.url, operation);
    // SQL, stacks, files, what errors mean for HTTP, and what is another's: nothing of that is for clients.
    expect(outcome.text).not.toMatch(/select "|relation "|node_modules|\/src\/|\n\s+at |"http":|canary/i);
    return [transport, outcome];
  });
  return Promise.all(runs);
}

interface Told {
  status: number | null;
  closedWith: number | null;
  data: unknown;
  errors: { code: string; argument: string | undefined; message: unknown }[];
}

function tell({ status, closedWith, data, errors }: Outcome): Told {
  const told = errors.map(({ message, extensions: { code, argument } }) => ({ code, argument, message }));
  // What a failed operation gives as data differs with its field, not with the transport.
  return { status, closedWith, data: errors.length > 0 ? null : data, errors: told };
}

function expected(rule: Rule, { query: document }: Operation, transport: string): Told {
  const { gives, closes } = rule;
  // A URL has an end: so long a document does not come through.
  if (isByGet(transport) && document.length > 8_000)
    return { status: 431, closedWith: null, data: undefined, errors: [] };
  if (document.startsWith('subscription') && !isStreaming(transport)) {
    const errors = [
      { code: 'BAD_USER_INPUT', argument: undefined, message: expect.stringContaining('text/event-stream') },
    ];
    return { status: 406, closedWith: null, data: null, errors };
  }
  const overHttp = transport === 'WebSocket' ? null : 200;
  if ('data' in gives) return { status: overHttp, closedWith: null, data: gives.data, errors: [] };
  if (closes && transport === 'WebSocket') return { status: null, closedWith: closes, data: undefined, errors: [] };
  const { code, argument, says = /./ } = gives;
  const errors = [{ code, argument, message: expect.stringMatching(says) }];
  return { status: overHttp && statusOf(transport, rule), closedWith: null, data: null, errors };
}

/** As the GraphQL-over-HTTP specification has it. */
function statusOf(transport: string, { gives, whileExecuting }: Rule): number {
  if ('code' in gives && gives.code === 'UNAUTHENTICATED') return 401;
  return transport === 'POST for GraphQL JSON' && !whileExecuting ? 400 : 200;
}

async function countGenerations(): Promise<number> {
  const [row] = await sql`select count(*)::int as rows from generations`;
  return row?.rows;
}
