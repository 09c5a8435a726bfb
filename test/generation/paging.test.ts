import { drizzle } from 'drizzle-orm/postgres-js';
import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '../../src/db/connect.ts';
import { newId } from '../../src/db/id.ts';
import * as schema from '../../src/db/schema.ts';
import { ANY, readFeed } from '../../src/events/read.ts';
import { pageCursor } from '../../src/generation/cursor.ts';
import { type GenerationFilter, listGenerations } from '../../src/generation/list.ts';
import type { Caller } from '../../src/workspace/caller.ts';
import { createdAt, EVENTS_EACH, fill, rowId } from '../bench/fill.ts';
import { createTestDatabase } from '../database.ts';

/** 20,000 generations lie on some 1,300 pages of the table, their events on as many more. */
const ROWS = 20_000;
const caller: Caller = { workspaceId: newId('wsp'), mode: 'TEST', scopes: ['READ'], apiKeyId: null };
const any: GenerationFilter = {
  status: null,
  provider: null,
  createdAfter: null,
  createdBefore: null,
  promptContains: null,
};

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let client: Sql;
let db: Database;
let statements: { query: string; params: unknown[] }[];
beforeAll(async () => {
  database = await createTestDatabase();
  client = postgres(database.url, { max: 1, onnotice: () => {} });
  const logQuery = (query: string, params: unknown[]) => void statements.push({ query, params });
  db = drizzle(client, { schema, logger: { logQuery } });
  await fill(client, caller, ROWS);
});
afterAll(async () => {
  await client?.end();
  await database?.drop();
});

/** With the most blocks a page may touch: it has 11 rows, each read from three tables; of each status 11 are looked up. */
const filters: [string, Partial<GenerationFilter>, number][] = [
  ['without a filter', {}, 110],
  ['of one status', { status: ['FAILED'] }, 110],
  ['of several statuses', { status: ['FAILED', 'RUNNING', 'SUCCEEDED'] }, 220],
  ['created in the oldest hour', { createdBefore: createdAt(3_600) }, 110],
  ['created in the newest hour', { createdAfter: createdAt(ROWS - 3_600) }, 110],
];
test.each(filters)(
  'a page of generations %s touches as little of the database at the end as at the start',
  async (_what, filter, most) => {
    for (const direction of ['first', 'last'] as const) {
      for (const row of [ROWS - 50, ROWS / 2, 50]) {
        const touched = await buffersOf(() => {
          const cursor = pageCursor({ ...caller, id: rowId('gen', row), createdAt: createdAt(row) });
          const none = { first: null, after: null, last: null, before: null };
          const page = direction === 'first' ? { first: 10, after: cursor } : { last: 10, before: cursor };
          return listGenerations({ db }, caller, { ...none, ...page }, { ...any, ...filter });
        });
        expect(touched).toBeLessThanOrEqual(most);
      }
    }
  },
);

test('a page of events touches as little of the database at the end as at the start, also of one generation', async () => {
  for (const after of [0, (ROWS * EVENTS_EACH) / 2, ROWS * EVENTS_EACH - 50]) {
    const one = { types: null, generationIds: [rowId('gen', ROWS - 5)] };
    for (const filter of [ANY, one]) {
      const touched = await buffersOf(() => readFeed(db, caller, { after, limit: 20, filter }));
      expect(touched).toBeLessThan(60);
    }
  }
});

/** Blocks of tables and indexes that the statements of this work read, from memory or not. */
async function buffersOf(work: () => Promise<unknown>): Promise<number> {
  statements = [];
  await work();
  let touched = 0;
  for (const { query, params } of statements) {
    const [row] = await client.unsafe(`explain (analyze, buffers, format json) ${query}`, params as never[]);
    const [found] = (row?.['QUERY PLAN'] ?? []) as { Plan: Record<string, number> }[];
    touched += Number(found?.Plan['Shared Hit Blocks']) + Number(found?.Plan['Shared Read Blocks']);
  }
  expect(touched).toBeGreaterThan(0);
  return touched;
}
