import { type SQL, sql } from 'drizzle-orm';
import { providerStates, tasks } from '../db/schema.ts';
import type { Domain } from './domain.ts';
import type { FailureCode } from './provider.ts';
import { type Executor, isOf, type StateKey } from './provider-state.ts';

/** Why a provider is left alone: `reason` is a sentence for the operator. */
export interface Why {
  code: FailureCode;
  reason: string;
}

/** How long it is left alone, in milliseconds: `firstMs`, twice that … `longestMs`, and never less than `leastMs`. */
export interface Pause {
  firstMs: number;
  longestMs: number;
  leastMs: number;
}

/**
 * Opens it for all processes; true if it was this call that did. One that is open stays as it is, for what is still heard
 * of requests from before is nothing new; the answer to its trial is, and makes the next pause longer.
 */
export async function openProvider(
  db: Executor,
  { provider, mode }: StateKey,
  { code, reason }: Why,
  { firstMs, longestMs, leastMs }: Pause,
  { isTrial }: { isTrial: boolean },
): Promise<boolean> {
  const after = (openings: SQL) => {
    const pause = sql`least(${firstMs}::float8 * power(2, least(${openings}, 20)), ${longestMs}::float8)`;
    return sql`clock_timestamp() + greatest(${pause}, ${leastMs}::float8) * interval '1 ms'`;
  };
  const opened = await db.execute(sql`
    insert into ${providerStates} as s (provider, mode, open_until, open_code, open_reason, openings)
    values (${provider}, ${mode}, ${after(sql`0`)}, ${code}, ${reason}, 1)
    on conflict (provider, mode) do update set
      open_until = ${after(sql`s.openings`)},
      open_code = excluded.open_code, open_reason = excluded.open_reason, openings = s.openings + 1
    where s.open_until is null or ${isTrial}
    returning 1`);
  return opened.length > 0;
}

export type Trial =
  /** It is well. */
  | 'NONE'
  /** This one submission may try it; whoever asks meanwhile may not. */
  | 'MINE'
  /** For how many more milliseconds it is to be left alone, and why. */
  | { code: FailureCode; forMs: number };

/**
 * Whether something may be sent to a provider that was open when it was last looked at. A trial that nobody has heard of
 * for `trialMs` is over: another may be made.
 */
export async function takeTrial(db: Executor, key: StateKey, trialMs: number): Promise<Trial> {
  const taken = await db.execute(sql`
    update ${providerStates} set open_until = clock_timestamp() + ${trialMs}::float8 * interval '1 ms'
    where ${isOf(key)} and open_until <= clock_timestamp() returning 1`);
  if (taken.length > 0) return 'MINE';
  const [open] = await db.execute<{ ms: number; code: FailureCode }>(sql`
    select extract(epoch from open_until - clock_timestamp())::float8 * 1000 as ms, open_code as code
    from ${providerStates} where ${isOf(key)} and open_until is not null`);
  return open ? { code: open.code, forMs: Math.max(1, Math.ceil(open.ms)) } : 'NONE';
}

/** A trial that was not made after all: whoever asks next may make it. */
export async function returnTrial(domain: Pick<Domain, 'db' | 'hints'>, key: StateKey): Promise<void> {
  const returned = await domain.db.execute(sql`
    update ${providerStates} set open_until = clock_timestamp() where ${isOf(key)} and open_until > clock_timestamp()
    returning 1`);
  if (returned.length > 0) await recall(domain, key);
}

/** Its trial went well: it is closed for all processes, and what waited for it is due. True if this call closed it. */
export async function closeProvider(domain: Pick<Domain, 'db' | 'hints'>, key: StateKey): Promise<boolean> {
  const closed = await domain.db.execute(sql`
    update ${providerStates} set open_until = null, open_code = null, open_reason = null, openings = 0
    where ${isOf(key)} and open_until is not null returning 1`);
  if (closed.length === 0) return false;
  await recall(domain, key);
  return true;
}

const MOST_HURRIED = 500;

/**
 * What it turned away is due, if something may be sent to it by now. To be called by whoever changed that, and by whoever
 * turned something away: of the two the later one sees what the other did.
 */
export async function recall({ db, hints }: Pick<Domain, 'db' | 'hints'>, key: StateKey): Promise<void> {
  let [count, all] = [0, 0];
  do {
    count = await hurry(db, key);
    all += count;
  } while (count === MOST_HURRIED);
  if (all > 0) hints.give({ generationIds: [], work: ['submit'], feeds: [] });
}

/** A task that others hold is in their hands. */
async function hurry(db: Executor, key: StateKey): Promise<number> {
  const { count } = await db.execute(sql`
    update ${tasks} set next_at = clock_timestamp() where id = any(array(
      select id from ${tasks}
      where status = 'QUEUED' and worker_id is null and finished_at is null and ${isOf(key)}
        and failure is not null and next_at > clock_timestamp() + interval '1 second'
        and not exists (select from ${providerStates} where ${isOf(key)} and open_until > clock_timestamp())
      limit ${MOST_HURRIED} for update skip locked
    ))`);
  return count;
}
