import { randomUUID } from 'node:crypto';
import { type SQL, sql } from 'drizzle-orm';
import { providerStates } from '../db/schema.ts';
import type { FailureCode } from './failure-code.ts';
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
  trial: string | null,
): Promise<boolean> {
  const after = (openings: SQL) => {
    const pause = sql`least(${firstMs}::float8 * power(2, least(${openings}, 20)), ${longestMs}::float8)`;
    return sql`clock_timestamp() + greatest(${pause}, ${leastMs}::float8) * interval '1 ms'`;
  };
  const mayOpen = trial === null ? sql`s.open_until is null` : sql`s.trial = ${trial}`;
  const opened = await db.execute(sql`
    insert into ${providerStates} as s (provider, mode, open_until, open_code, open_reason, openings)
    values (${provider}, ${mode}, ${after(sql`0`)}, ${code}, ${reason}, 1)
    on conflict (provider, mode) do update set
      open_until = ${after(sql`s.openings`)}, trial = null,
      open_code = excluded.open_code, open_reason = excluded.open_reason, openings = s.openings + 1
    where ${mayOpen}
    returning 1`);
  return opened.length > 0;
}

export type Leave =
  /** It is well. */
  | { kind: 'WELL' }
  /** This one submission may try it; whoever asks meanwhile may not. */
  | { kind: 'TRIAL'; trial: string }
  /** For how many more milliseconds it is to be left alone, or its trial may take; and why. */
  | { kind: 'OPEN'; code: FailureCode; forMs: number; isOnTrial: boolean; seenAt: Date };

/**
 * Whether something may be sent to a provider that was open when it was last looked at. A trial that nobody has heard of
 * for `trialMs` is over: another may be made, and what becomes of the first changes nothing.
 */
export async function askLeave(db: Executor, key: StateKey, trialMs: number): Promise<Leave> {
  const trial = randomUUID();
  const taken = await db.execute(sql`
    update ${providerStates} set open_until = clock_timestamp() + ${trialMs}::float8 * interval '1 ms', trial = ${trial}
    where ${isOf(key)} and open_until <= clock_timestamp() returning 1`);
  if (taken.length > 0) return { kind: 'TRIAL', trial };
  const [open] = await db.execute<{ ms: number; code: FailureCode; is_on_trial: boolean; at: string }>(sql`
    select extract(epoch from open_until - clock_timestamp())::float8 * 1000 as ms, open_code as code,
      trial is not null as is_on_trial, clock_timestamp() as at
    from ${providerStates} where ${isOf(key)} and open_until is not null`);
  if (!open) return { kind: 'WELL' };
  const forMs = Math.max(1, Math.ceil(open.ms));
  return { kind: 'OPEN', code: open.code, forMs, isOnTrial: open.is_on_trial, seenAt: new Date(open.at) };
}

/** A trial that was not made after all: whoever asks next may make it. To others that is no news: its pause was over. */
export async function returnTrial(db: Executor, key: StateKey, trial: string): Promise<void> {
  await db.execute(sql`
    update ${providerStates} set open_until = clock_timestamp() - interval '1 minute', trial = null
    where ${isOf(key)} and trial = ${trial}`);
}

/** Its trial went well: it is closed for all processes. True if this call closed it. */
export async function closeProvider(db: Executor, key: StateKey, trial: string): Promise<boolean> {
  const closed = await db.execute(sql`
    update ${providerStates}
    set open_until = null, open_code = null, open_reason = null, openings = 0, trial = null, well_at = clock_timestamp()
    where ${isOf(key)} and trial = ${trial} returning 1`);
  return closed.length > 0;
}

/** A key that was refused may be another one by now: whoever asks next tries it. */
export async function retryRefusedKeys(db: Executor): Promise<void> {
  await db.execute(sql`
    update ${providerStates} set open_until = clock_timestamp()
    where open_code = 'PROVIDER_REJECTED' and trial is null and open_until > clock_timestamp()`);
}
