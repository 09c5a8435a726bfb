import { getTableColumns, inArray, type SQL, sql } from 'drizzle-orm';
import type { PgTable } from 'drizzle-orm/pg-core';
import type { Transaction } from '../db/connect.ts';
import { newId } from '../db/id.ts';
import { assets, generations, tasks } from '../db/schema.ts';
import { appendEvents } from '../events/append.ts';
import type { Hint, Work } from '../events/hint.ts';
import { changesBetween } from './changes.ts';
import type { Domain } from './domain.ts';
import type { Moment } from './draft.ts';
import { toGeneration } from './rows.ts';
import type { Generation, Task } from './types.ts';

export interface ChangeOptions {
  /** More to write in the same transaction, just before the generations as they will be. */
  also?: (tx: Transaction, after: Generation[]) => Promise<void>;
}

/**
 * The one way a generation is written once it exists. In one transaction: locks the generations and their tasks,
 * applies the pure `change` to each, writes what differs, numbers it and appends it to the log. After the commit,
 * everyone who watches is told. Answers every generation as it stands, changed or not.
 */
export async function changeGenerations(
  domain: Domain,
  ids: readonly string[],
  change: (generation: Generation, moment: Moment) => Generation,
  { also }: ChangeOptions = {},
): Promise<Generation[]> {
  if (ids.length === 0) return [];
  const { before, after } = await domain.db.transaction(async (tx) => {
    const moment = { at: await lock(tx, ids), uncertainHoldMs: domain.timing.uncertainHoldMs };
    const found = await tx.query.generations.findMany({
      where: inArray(generations.id, [...ids]),
      with: { tasks: true, assets: true },
    });
    const loaded = found.map(toGeneration);
    const changed = loaded.map((generation) => change(generation, moment));
    await also?.(tx, changed);
    return { before: loaded, after: await write(tx, loaded, changed, moment.at) };
  });
  const hint = hintOf(before, after);
  if (hint.generationIds?.length) domain.hints.give(hint);
  return after;
}

/** Generations first and in the order of their ids, then their tasks: so two of these never wait for each other. */
async function lock(tx: Transaction, ids: readonly string[]): Promise<Date> {
  await tx.execute(sql`
    select id from ${generations} where ${inArray(generations.id, [...ids])} order by id for update`);
  const locked = await tx.execute<{ at: string }>(sql`
    select clock_timestamp()::text as at from ${tasks}
    where ${inArray(tasks.generationId, [...ids])} order by id for update`);
  return new Date(locked.at(-1)?.at ?? Number.NaN);
}

async function write(tx: Transaction, before: Generation[], after: Generation[], at: Date): Promise<Generation[]> {
  const numbered = after.map((generation, i) => number(before[i] ?? generation, generation));
  const changed = numbered.filter(({ generation }, i) => generation !== before[i]).map(({ generation }) => generation);
  if (changed.length === 0) return after;
  const was = new Set(before.flatMap((generation): object[] => [...generation.tasks, ...generation.assets]));
  await upsert(
    tx,
    tasks,
    changed.flatMap((each) => each.tasks.filter((task) => !was.has(task))),
    fence,
  );
  await upsert(
    tx,
    assets,
    changed.flatMap((each) => each.assets.filter((asset) => !was.has(asset))),
  );
  await upsert(tx, generations, changed);
  await appendEvents(
    tx,
    numbered.flatMap(({ generation, changes }) =>
      changes.map((each, i) => ({
        ...each,
        id: newId('evt'),
        workspaceId: generation.workspaceId,
        generationId: generation.id,
        version: generation.version - changes.length + i + 1,
        at,
      })),
    ),
  );
  return numbered.map(({ generation }) => generation);
}

/** The lease once more, in the statement itself: a worker that lost its task writes nothing. */
const fence = sql`${tasks.leaseToken} = excluded.lease_token`;

function number(before: Generation, after: Generation) {
  if (before === after) return { generation: after, changes: [] };
  const changes = changesBetween(before, after);
  return { generation: { ...after, version: before.version + changes.length }, changes };
}

/** PostgreSQL takes 65,535 parameters a statement, one for each value; the widest of these rows has some 30. */
const MOST_ROWS = 1_000;

/** One statement for all rows of a table, where they fit in one. */
async function upsert(
  tx: Transaction,
  table: typeof tasks | typeof assets | typeof generations,
  rows: object[],
  setWhere?: SQL,
): Promise<void> {
  const set = Object.fromEntries(
    Object.entries(getTableColumns(table as PgTable))
      .filter(([name]) => name !== 'id' && name !== 'workspaceId')
      .map(([name, column]) => [name, sql.raw(`excluded."${column.name}"`)]),
  );
  for (let i = 0; i < rows.length; i += MOST_ROWS) {
    const some = rows.slice(i, i + MOST_ROWS) as Record<string, unknown>[];
    const written = await tx
      .insert(table as PgTable)
      .values(some)
      .onConflictDoUpdate({ target: table.id, set, ...(setWhere && { setWhere }) })
      .returning({ id: table.id });
    if (written.length !== some.length) throw new Error('A locked row changed under its lock.');
  }
}

function hintOf(before: Generation[], after: Generation[]): Hint {
  const changed = after.filter((generation, i) => generation !== before[i]);
  return { generationIds: changed.map(({ id }) => id), work: workOf(changed.flatMap((each) => each.tasks)) };
}

/** Which loops have something to do for these tasks. */
export function workOf(all: readonly Task[]): Work[] {
  const free = all.filter(({ workerId }) => workerId === null).map(({ status }) => status);
  const work: Work[] = [];
  if (free.includes('QUEUED')) work.push('submit');
  if (free.includes('ACCEPTED') || free.includes('RUNNING')) work.push('poll');
  if (free.includes('COLLECTING')) work.push('collect');
  return work;
}
