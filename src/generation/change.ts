import { inArray, sql } from 'drizzle-orm';
import type { Transaction } from '../db/connect.ts';
import { newId } from '../db/id.ts';
import { assets, generations, tasks } from '../db/schema.ts';
import { appendEvents } from '../events/append.ts';
import type { Hint } from '../events/hint.ts';
import { changesBetween } from './changes.ts';
import { readClock } from './clock.ts';
import type { Domain } from './domain.ts';
import type { Moment } from './draft.ts';
import { fallbackAt } from './fallback.ts';
import { tellOutcomes } from './outcomes.ts';
import type { Mode } from './provider.ts';
import { resultTtlOf } from './result-ttl.ts';
import { toGeneration, WHOLE } from './rows.ts';
import type { Generation } from './types.ts';
import { upsert } from './upsert.ts';
import { workOf } from './work.ts';

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
    const moment = momentAt(domain, await lock(tx, ids));
    const found = await tx.query.generations.findMany({
      where: inArray(generations.id, [...ids]),
      with: WHOLE,
    });
    const loaded = found.map(toGeneration);
    const changed = loaded.map((generation) => change(generation, moment));
    await also?.(tx, changed);
    return { before: loaded, after: await write(tx, loaded, changed, moment.at) };
  });
  if (domain.observer) tellOutcomes(domain.observer, before, after);
  const hint = hintOf(before, after);
  if (hint.generationIds?.length) domain.hints.give(hint);
  return after;
}

/**
 * Locks the generations, in the order of their ids, and then their tasks: so two of these never wait for each other.
 * Answers the time of the moment at which they are held.
 */
async function lock(tx: Transaction, ids: readonly string[]): Promise<Date> {
  await tx.execute(sql`
    select id from ${generations} where ${inArray(generations.id, [...ids])} order by id for update`);
  await tx.execute(sql`
    select id from ${tasks} where ${inArray(tasks.generationId, [...ids])} order by id for update`);
  return readClock(tx);
}

function momentAt(domain: Domain, at: Date): Moment {
  const { timing, catalogue } = domain;
  const entryOf = (provider: string, mode: Mode) =>
    catalogue.find((entry) => entry.slug === provider && entry.mode === mode);
  const modelsOf = (provider: string, mode: Mode) => entryOf(provider, mode)?.models ?? [];
  return {
    at,
    uncertainHoldMs: timing.uncertainHoldMs,
    recoveryOf(task) {
      const model = modelsOf(task.provider, task.mode).find((each) => each.model === task.request.model);
      // What is not configured here may be asked by another process.
      if (!model || model.features.includes('RECOVERABLE_SUBMIT')) return 'ASK';
      return task.awaitsCallback ? 'CALLBACK' : 'NONE';
    },
    fallbackOf: fallbackAt(domain, at),
    resultTtlOf: ({ provider, mode, request }) => resultTtlOf(modelsOf(provider, mode), request),
    resultsLagOf: ({ provider, mode }) => entryOf(provider, mode)?.resultsLag ?? false,
  };
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
    guard,
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
        mode: generation.mode,
        generationId: generation.id,
        version: generation.version - changes.length + i + 1,
        at,
      })),
    ),
  );
  return numbered.map(({ generation }) => generation);
}

/**
 * The rows are locked and were judged under the lock. Once more in the statement itself, should a lock ever be
 * forgotten: the lease is the one that was judged, and a final status stays.
 */
const guard = sql`${tasks.leaseToken} = excluded.lease_token
  and (${tasks.finishedAt} is null or ${tasks.status} = excluded.status)`;

function number(before: Generation, after: Generation) {
  if (before === after) return { generation: after, changes: [] };
  const changes = changesBetween(before, after);
  return { generation: { ...after, version: before.version + changes.length }, changes };
}

function hintOf(before: Generation[], after: Generation[]): Hint {
  const changed = after.filter((generation, i) => generation !== before[i]);
  const work = workOf(changed.flatMap((each) => each.tasks));
  return { generationIds: changed.map(({ id }) => id), work, feeds: [] };
}
