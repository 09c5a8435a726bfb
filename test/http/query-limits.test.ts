import { readFileSync } from 'node:fs';
import { type GraphQLError, getIntrospectionQuery, NoFragmentCyclesRule, parse, validate } from 'graphql';
import { describe, expect, test } from 'vitest';
import { schema } from '../../src/graphql/schema.ts';
import { MAX_ALIASES, MAX_COST, MAX_REPEATS, QueryLimitsRule } from '../../src/http/query-limits.ts';
import { MAX_DEPTH } from '../../src/http/query-weight.ts';
import { CREATE } from '../service/client.ts';
import { WATCH } from '../service/watch.ts';

function check(document: string): readonly GraphQLError[] {
  return validate(schema, parse(document), [QueryLimitsRule]);
}

function costOf(selection: string): number {
  // A field that alone is beyond the limit, so that the error tells the cost.
  const ballast = 1 + 100_000;
  const [error] = check(
    `query($v: Int, $ids: [ID!]!) { ${selection} ballast: generations(first: 100000) { unknown } }`,
  );
  const found = /a cost of ([\d,]+) fields/.exec(error?.message ?? '')?.[1] ?? '';
  return Number(found.replaceAll(',', '')) - ballast;
}

test.each([
  ['viewer { workspace { id } }', 3],
  ['models { id }', 1 + 4],
  ['generations { edges { cursor } }', 1 + 20 * 2],
  ['generations(first: null) { edges { cursor } }', 1 + 20 * 2],
  ['generations(first: 7) { edges { cursor } }', 1 + 7 * 2],
  ['generations(last: 7) { edges { cursor } }', 1 + 7 * 2],
  ['generations(first: $v) { edges { cursor } }', 1 + 100 * 2],
  ['generations(first: -1) { edges { cursor } }', 1 + 2],
  ['events { edges { cursor } }', 1 + 100 * 2],
  ['events(first: 7) { edges { cursor } cursor }', 1 + 7 * (2 + 1)],
  ['generations(first: 7) { edges { node { tasks { id exchanges { at } } } } }', 1 + 7 * (1 + 1 + 1 + 4 * (1 + 1 + 4))],
  ['nodes(ids: ["a", "b", "c"]) { id }', 1 + 3],
  ['nodes(ids: $ids) { id }', 1 + 100],
  ['unknown { things { of: all } }', 3],
  ['...Missing ... on Missing { thing }', 1],
])('%s costs %i', (selection, cost) => {
  expect(costOf(selection)).toBe(cost);
});

test.each([
  ['[{ prompt: "a" }, { prompt: "b" }]', 2],
  ['$inputs', 100],
])('createGenerations costs its answer once for each of %s', (inputs, count) => {
  const answers = Array.from({ length: 800 }, (_, i) => `a${i}: replayed`).join(' ');
  const document = `mutation($inputs: [CreateGenerationInput!]!) { createGenerations(inputs: ${inputs}) { results { ${answers} } } }`;
  const total = 1 + count * (1 + 800);
  expect(check(document).map(({ message }) => message.includes(total.toLocaleString('en')))).toEqual(
    total > MAX_COST ? [true] : [],
  );
});

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const EXAMPLES = [...README.matchAll(/```graphql\n([\s\S]*?)```/g)].map(([, text = '']) => text);

test('the queries of the README may pass', () => {
  expect(EXAMPLES.length).toBeGreaterThan(1);
  expect(EXAMPLES.flatMap(check)).toEqual([]);
});

const EVERYTHING = `query Page { generations(first: 100) { pageInfo { hasNextPage endCursor } edges { cursor node {
  id version status mode prompt createdAt startedAt finishedAt deadlineAt cancelability metadata
  progress { percent basis } failure { code message billed } cost { basis providerCredits }
  model { id slug name } adjustments { path }
  slots { index asset { id } failure { code message billed } }
  assets { id index state width height mimeType byteSize sha256 seed thumbhash createdAt url { uri expiresAt } failure { code message billed } }
  tasks { id status attempt imageCount providerTaskId pollCount submittedAt acceptedAt finishedAt nextPollAt
    progress { percent basis } failure { code message billed } provider { slug name mode }
    exchanges { at method url status durationMs error requestBody responseBody } }
} } } }`;

test.each([
  ['the introspection of GraphiQL', getIntrospectionQuery({ inputValueDeprecation: true, specifiedByUrl: true })],
  ['a page of 100 generations with all they own', EVERYTHING],
  ['an order', CREATE],
  ['a subscription', WATCH],
  [`${MAX_DEPTH} levels`, nest(MAX_DEPTH)],
  [`${MAX_ALIASES} aliases`, aliases(MAX_ALIASES, '__typename')],
  [`a field written ${MAX_REPEATS} times`, `{ ${'__typename '.repeat(MAX_REPEATS)} }`],
  [
    '20 fields at the root, one of them written twice',
    aliases(20, 'viewer { mode }').replace('a0', 'a1: viewer { mode } a0'),
  ],
  ['8 directives', `{ __typename ${'@skip(if: false) '.repeat(8)} }`],
  ['a fragment spread that nobody defined', '{ ...Missing }'],
])('%s may pass', (_name, document) => {
  expect(check(document)).toEqual([]);
});

test.each([
  ['depth', nest(MAX_DEPTH + 1), /at least 16 levels deep; the limit is 15\. Ask/],
  ['depth of inline fragments', `${'{ ... '.repeat(40)} { __typename } ${'}'.repeat(40)}`, /at least 16 levels/],
  ['depth through fragments', chain(16, 'generation { id ...F'), /levels deep/],
  ['aliases', aliases(MAX_ALIASES + 1, '__typename'), /has 1,001 aliases; the limit is 1,000/],
  ['repeats', `{ ${'__typename '.repeat(101)} }`, /101 fields in one place/],
  ['nested repeats', `{ ${'viewer { workspace { id } workspace { id } } '.repeat(60)} }`, /120 fields in one place/],
  ['fields at the root', aliases(21, 'viewer { mode }'), /has 21 fields at its root; the limit is 20\. Ask/],
  [
    'fields at the root through fragments',
    `{ ...A ...A ... { c: viewer { mode } } } fragment A on Query { ...A ... on Query ${aliases(20, 'viewer { mode }')} }`,
    /21 fields at its root/,
  ],
  [
    'creations in a list',
    `mutation { createGenerations(inputs: [${'{ prompt: "a" }'.repeat(51)}]) { results { replayed } } }`,
    /may make 51 generations; the limit is 50/,
  ],
  [
    'creations in two variables',
    'mutation($a: [CreateGenerationInput!]!) { a: createGenerations(inputs: $a) { results { replayed } } b: createGenerations(inputs: $a) { results { replayed } } }',
    /may make 100 generations/,
  ],
  ['directives', `{ __typename ${'@aa '.repeat(10)} }`, /has 10 directives in one place; the limit is 8/],
  ['a page', '{ generations(first: 99999999) { edges { cursor } } }', /cost of 199,999,999 fields/],
  ['two operations', `${EVERYTHING} ${EVERYTHING.replace('Page', 'Again')}`, /cost of/],
  [
    'unused fragments',
    `{ __typename } fragment F on Query { generations(first: 50000) { pageInfo { endCursor } } }`,
    /cost of/,
  ],
])('%s beyond the limit is one QUERY_TOO_EXPENSIVE that says what was found', (_name, document, says) => {
  const errors = check(document);
  expect(errors.map(({ extensions, message }) => [extensions.code, message])).toEqual([
    ['QUERY_TOO_EXPENSIVE', expect.stringMatching(says)],
  ]);
});

describe('the rule itself takes no time', () => {
  test.each([
    ['doubling fragments', doubling(22)],
    ['500 doubling fragments', doubling(500)],
    ['a cycle of all with all', clique(40)],
  ])('on %s', (_name, document) => {
    const started = performance.now();
    const errors = [...check(document), ...validate(schema, parse(document), [NoFragmentCyclesRule])];
    expect(errors.length).toBeGreaterThan(0);
    expect(performance.now() - started).toBeLessThan(200);
  });
});

function nest(levels: number): string {
  const objects = levels - 1;
  return `{ ${Array.from({ length: objects }, (_, i) => (i % 2 ? 'task {' : i ? 'generation {' : 'unknown {')).join(' ')} id ${'}'.repeat(objects)} }`;
}

function aliases(count: number, field: string): string {
  return `{ ${Array.from({ length: count }, (_, i) => `a${i}: ${field}`).join(' ')} }`;
}

function chain(length: number, open: string): string {
  const links = Array.from({ length }, (_, i) => `fragment F${i} on Asset { ${open}${i + 1} } }`);
  return `{ node(id: "x") { ...F0 } } ${links.join(' ')} fragment F${length} on Asset { id }`;
}

function doubling(levels: number): string {
  const links = Array.from({ length: levels }, (_, i) => `fragment F${i} on Query { ...F${i + 1} ...F${i + 1} }`);
  return `{ ...F0 } ${links.join(' ')} fragment F${levels} on Query { __typename }`;
}

function clique(size: number): string {
  const all = Array.from({ length: size }, (_, i) => `...F${i}`).join(' ');
  return `{ ${all} } ${Array.from({ length: size }, (_, i) => `fragment F${i} on Query { ${all} }`).join(' ')}`;
}
