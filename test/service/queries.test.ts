import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Generation, query } from './client.ts';
import { type Service, startService } from './service.ts';
import { type Counter, countStatements } from './statements.ts';
import { until } from './until.ts';

const ROWS = 40;

let maker: Service;
let reader: Service;
let counter: Counter;
beforeAll(async () => {
  maker = await startService();
  counter = await countStatements(maker.databaseUrl);
  // One that only answers: no worker's statements in between.
  reader = await startService({ DATABASE_URL: counter.url, ROLE: 'api' });
  const input = { prompt: 'A lighthouse [[slow=0]]' };
  await query(
    maker.url,
    'mutation($i: [CreateGenerationInput!]!) { createGenerations(inputs: $i) { results { replayed } } }',
    {
      i: Array(ROWS).fill(input),
    },
  );
  await until(
    () => query<Page>(maker.url, '{ generations(first: 100) { edges { node { status } } } }'),
    ({ data }) => data.generations.edges.every(({ node }) => node.status === 'SUCCEEDED'),
    40_000,
  );
});
afterAll(async () => {
  await reader?.stop();
  await counter?.stop();
  await maker?.stop();
});

interface Page {
  generations: { edges: { node: Pick<Generation, 'status'> }[] };
}

test('a page of 40 generations with all that hangs on them costs no more statements than a page of 2', async () => {
  const document = `query($first: Int) { generations(first: $first) { edges { node {
    tasks { generation { id } provider { slug } exchanges { status } }
    assets { task { id } generation { id } }
    slots { asset { id } }
  } } } }`;
  const costs = [await costOf(document, { first: 2 }), await costOf(document, { first: ROWS })];
  expect(costs[1]).toBe(costs[0]);
  expect(costs[0]).toBeLessThanOrEqual(8);
});

test('100 nodes of three kinds cost no more statements than three', async () => {
  type Parts = { node: { id: string; tasks: { id: string }[]; assets: { id: string }[] } }[];
  const { data } = await query<{ generations: { edges: Parts } }>(
    reader.url,
    '{ generations(first: 40) { edges { node { id tasks { id } assets { id } } } } }',
  );
  const all = data.generations.edges.map(({ node }) => [node.id, ...node.tasks, ...node.assets]);
  const ids = all.map((parts) => parts.map((part) => (typeof part === 'string' ? part : part.id)));
  const document = 'query($ids: [ID!]!) { nodes(ids: $ids) { id } }';
  const few = await costOf(document, { ids: ids.slice(0, 1).flat() });
  expect(await costOf(document, { ids: ids.flat().slice(0, 100) })).toBe(few);
});

test('a page of 100 events with what they are about costs no more statements than a page of 2', async () => {
  const document = `query($first: Int!) { events(first: $first) { cursor edges { node {
    generation { status } task { status } asset { state }
  } } } }`;
  const few = await costOf(document, { first: 2 });
  expect(await costOf(document, { first: 100 })).toBeLessThanOrEqual(few + 1);
  expect(few).toBeLessThanOrEqual(4);
});

test('the events of 40 generations cost no more statements than those of 2, one for each span asked for', async () => {
  const document = `query($first: Int!) { generations(first: $first) { edges { node {
    events(first: 3) { edges { node { task { status } } } }
    more: events(first: 2) { cursor }
  } } } }`;
  const few = await costOf(document, { first: 2 });
  expect(await costOf(document, { first: ROWS })).toBeLessThanOrEqual(few + 1);
  expect(few).toBeLessThanOrEqual(5);
});

/** The least of several runs: a heartbeat in between can only add to one. */
async function costOf(document: string, variables: Record<string, unknown>): Promise<number> {
  const costs: number[] = [];
  for (let run = 0; run < 4; run++) {
    const before = counter.count;
    const { errors } = await query(reader.url, document, variables);
    expect(errors).toEqual([]);
    costs.push(counter.count - before);
  }
  expect(Math.min(...costs)).toBeGreaterThan(0);
  return Math.min(...costs);
}
