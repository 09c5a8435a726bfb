import v8 from 'node:v8';
import vm from 'node:vm';
import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { bearer, create, type GraphqlError, only, query, TEST_KEY } from '../service/client.ts';
import { type Service, startService } from '../service/service.ts';
import { type Update, WATCH } from '../service/watch.ts';
import { aliases, doubling, nest, throughTheCycle } from './documents.ts';
import { DRIVERS, isByGet, type Operation, type Outcome } from './drivers.ts';

/** What a refusal may take, over the wire and back. */
const AT_ONCE_MS = 200;
/** Others share the machine: what was slow is tried again, and the fastest counts. */
const MOST_ATTEMPTS = 8;
const MOST_GROWTH_BYTES = 50 * 1024 * 1024;

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service?.stop());

const READ = 'generation(idempotencyKey: "nobody") { id }';
const LONG = 'x'.repeat(900_000);

/** What is tried against GraphQL servers; null as the code: it is harmless, and answered. */
const HOSTILE: [name: string, operation: Operation, code: string | null][] = [
  ['a cycle of the schema, 40 levels', { query: nest(40) }, 'QUERY_TOO_EXPENSIVE'],
  ['1,001 aliases of a field', { query: aliases(1_001, 'viewer { workspace { id } }') }, 'QUERY_TOO_EXPENSIVE'],
  ['21 aliases of a read', { query: aliases(21, READ) }, 'QUERY_TOO_EXPENSIVE'],
  ['20 aliases of a read', { query: aliases(20, READ) }, null],
  ['20 pages of the feed', { query: aliases(20, 'events(first: 1) { cursor }') }, null],
  ['1,001 aliases of __typename', { query: aliases(1_001, '__typename') }, 'QUERY_TOO_EXPENSIVE'],
  ['101 aliases of __typename', { query: aliases(101, '__typename') }, null],
  ['5,000 repeated fields', { query: `{ ${'__typename '.repeat(5_000)} }` }, 'QUERY_TOO_EXPENSIVE'],
  ['1,000 repeated objects', { query: `{ ${'viewer { mode } '.repeat(1_000)} }` }, 'QUERY_TOO_EXPENSIVE'],
  ['22 levels of doubling fragments', { query: doubling(22) }, 'QUERY_TOO_EXPENSIVE'],
  ['22 levels of them through the cycle', { query: throughTheCycle(22) }, 'QUERY_TOO_EXPENSIVE'],
  ['6 levels of them through the cycle', { query: throughTheCycle(6) }, 'QUERY_TOO_EXPENSIVE'],
  ['20,000 [', { query: '['.repeat(20_000) }, 'GRAPHQL_PARSE_FAILED'],
  ['20,000 {', { query: '{'.repeat(20_000) }, 'GRAPHQL_PARSE_FAILED'],
  ['20,000 [ in a value', { query: `{ generation(id: ${'['.repeat(20_000)}` }, 'GRAPHQL_PARSE_FAILED'],
  ['20,000 {self', { query: '{self'.repeat(20_000) }, 'GRAPHQL_PARSE_FAILED'],
  ['10,001 tokens', { query: `{ ${'__typename '.repeat(9_999)} }` }, 'GRAPHQL_PARSE_FAILED'],
  [
    'a fragment cycle',
    { query: '{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }' },
    'GRAPHQL_VALIDATION_FAILED',
  ],
  ['10 directives', { query: `{ __typename ${'@aa'.repeat(10)} }` }, 'QUERY_TOO_EXPENSIVE'],
  ['a page of 99,999,999', { query: '{ generations(first: 99999999) { edges { cursor } } }' }, 'QUERY_TOO_EXPENSIVE'],
  ['a page of -1', { query: '{ generations(first: -1) { edges { cursor } } }' }, 'BAD_USER_INPUT'],
  [
    'introspection without end',
    { query: '{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }' },
    'GRAPHQL_VALIDATION_FAILED',
  ],
  [
    'all types 100 times',
    {
      query: `{ __schema { ${aliases(100, 'types { fields { type { name } } inputFields { type { name } } }').slice(1, -1)} } }`,
    },
    'QUERY_TOO_EXPENSIVE',
  ],
  [
    '__proto__ as a variable',
    {
      query: 'query($f: GenerationFilter) { generations(filter: $f) { edges { cursor } } }',
      variables: JSON.parse('{"f":{"__proto__":{"x":1}}}'),
    },
    'BAD_USER_INPUT',
  ],
  ['a name of 900,000 letters', { query: 'query A { __typename }', operationName: LONG }, 'BAD_USER_INPUT'],
  ['an unknown field of 900,000 letters', { query: `{ ${LONG} }` }, 'GRAPHQL_VALIDATION_FAILED'],
  ['a value of 900,000 letters', { query: `{ generation(id: "${LONG}") { id } }` }, 'BAD_USER_INPUT'],
];

test.each(Object.entries(DRIVERS))(
  '%s: each is refused or answered at once, and an honest request beside it is answered',
  async (transport, run) => {
    const told: [name: string, codes: string[], slow: boolean][] = [];
    for (const [name, operation] of HOSTILE) {
      const { outcome, ms } = await timeFastest(() => run(service.url, operation));
      // So long a document does not fit into a URL.
      const isTooLong = isByGet(transport) && outcome.status === 431;
      told.push([name, isTooLong ? ['too long'] : codesOf(outcome.errors), ms > AT_ONCE_MS]);
    }
    const isTooLong = (operation: Operation) => isByGet(transport) && JSON.stringify(operation).length > 12_000;
    const codes = HOSTILE.map(([, operation, code]) => (isTooLong(operation) ? ['too long'] : listOf(code)));
    expect(told).toEqual(HOSTILE.map(([name], i) => [name, codes[i], false]));
  },
);

test('ten at once with as many reads as are allowed keep nobody else waiting', async () => {
  const began = performance.now();
  const hostile = Array.from({ length: 10 }, () => query(service.url, aliases(20, READ)));
  const { data } = await query(service.url, '{ viewer { mode } }');
  expect([data, performance.now() - began < 2_000]).toEqual([{ viewer: { mode: 'TEST' } }, true]);
  expect((await Promise.all(hostile)).map(({ status }) => status)).toEqual(Array(10).fill(200));
});

test('all of them again and again leave no memory behind', async () => {
  const growths: number[] = [];
  // What is kept is kept in every round; a heap that is given room now and then is not.
  for (let round = 1; round <= 3 && !growths.some((growth) => growth < MOST_GROWTH_BYTES); round += 1) {
    const before = residentBytes();
    for (const [, operation] of HOSTILE) {
      await DRIVERS.WebSocket?.(service.url, operation);
      await DRIVERS['POST for JSON']?.(service.url, operation);
    }
    growths.push(residentBytes() - before);
  }
  expect(Math.min(...growths)).toBeLessThan(MOST_GROWTH_BYTES);
});

test('all of them on one WebSocket close nothing: an honest subscription and honest queries go on', async () => {
  const client = createClient({
    url: `${service.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    lazy: false,
    connectionParams: bearer(TEST_KEY),
  });
  onTestFinished(() => void client.dispose());
  const { generation, cursor } = await create(service.url, { prompt: 'A lighthouse [[slow=1]]' });
  const variables = { id: generation.id, after: cursor };
  const updates: (Update | undefined)[] = [];
  const watched = new Promise<void>((complete, error) => {
    const next = ({ data }: { data?: { generationUpdated: Update } | null }) => updates.push(data?.generationUpdated);
    client.subscribe<{ generationUpdated: Update }>({ query: WATCH, variables }, { next, error, complete });
  });

  for (const [, operation, code] of HOSTILE) {
    const refusal = await new Promise<GraphqlError[]>((resolve) => {
      const error = (errors: unknown) => resolve(errors as GraphqlError[]);
      const next = (message: object) => resolve('errors' in message ? (message.errors as GraphqlError[]) : []);
      client.subscribe(operation, { next, error, complete: () => {} });
    });
    expect(codesOf(refusal)).toEqual(listOf(code));
  }
  const honest = await client.iterate({ query: '{ viewer { mode } }' }).next();
  expect(honest.value).toEqual({ data: { viewer: { mode: 'TEST' } } });
  await watched;
  expect(updates.at(-1)).toMatchObject({ final: true, generation: { status: 'SUCCEEDED' } });
});

test('a refusal says what was found, the limit and what to do, and is not logged as a failure', async () => {
  const { status, errors } = await query(service.url, '{ generations(first: 50000) { edges { cursor } } }');
  expect([status, only(errors).message]).toEqual([
    200,
    'The document has a cost of 100,001 fields; the limit is 50,000. Ask for a shorter page, or for fewer lists in lists.',
  ]);
  expect(service.logged.filter(({ level }) => level >= 40)).toEqual([]);
});

/** Both answers, the hostile and an honest one beside it. */
async function timeFastest(work: () => Promise<Outcome>): Promise<{ outcome: Outcome; ms: number }> {
  let fastest: { outcome: Outcome; ms: number } | null = null;
  for (
    let attempt = 1;
    attempt <= MOST_ATTEMPTS && (fastest?.ms ?? Number.POSITIVE_INFINITY) > AT_ONCE_MS;
    attempt += 1
  ) {
    const began = performance.now();
    const hostile = work();
    const honest = query(service.url, '{ viewer { mode } }');
    const outcome = await hostile;
    expect((await honest).data).toEqual({ viewer: { mode: 'TEST' } });
    const ms = performance.now() - began;
    if (!fastest || ms < fastest.ms) fastest = { outcome, ms };
  }
  return fastest as { outcome: Outcome; ms: number };
}

function codesOf(errors: readonly GraphqlError[]): string[] {
  return [...new Set(errors.map(({ extensions }) => extensions.code))];
}

function listOf(code: string | null): string[] {
  return code === null ? [] : [code];
}

/** Without what nobody uses any more. */
function residentBytes(): number {
  v8.setFlagsFromString('--expose-gc');
  vm.runInNewContext('gc')();
  return process.memoryUsage.rss();
}
