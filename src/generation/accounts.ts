import { sql } from 'drizzle-orm';
import { providerStates } from '../db/schema.ts';
import type { Account } from './provider.ts';
import { askState, type Executor, isOf, type StateKey } from './provider-state.ts';

/** That this worker is to ask about the account; `toldAt` is when it was last told. */
export interface AccountQuestion {
  toldAt: Date | null;
}

/**
 * One worker at a time is to ask, and none that asks within `everyMs` of another; null for all others. Whoever is told
 * nothing gives the question back.
 */
export async function takeAccountQuestion(
  db: Executor,
  key: StateKey,
  everyMs: number,
): Promise<AccountQuestion | null> {
  const isDue = sql`coalesce(was.at < clock_timestamp() - ${everyMs}::int * interval '1 ms', true)`;
  const { due, at } = await askState(db, key, async () => {
    const [row] = await db.execute<{ due: boolean; at: string | null }>(sql`
      with was as materialized (select account_at as at from ${providerStates} where ${isOf(key)} for update),
      taken as (
        update ${providerStates} set account_at = clock_timestamp() from was where ${isOf(key)} and ${isDue} returning 1
      )
      select exists (select from taken) as due, was.at::text as at from was`);
    return row;
  });
  return due ? { toldAt: at === null ? null : new Date(at) } : null;
}

export async function returnAccountQuestion(db: Executor, key: StateKey, { toldAt }: AccountQuestion): Promise<void> {
  const at = toldAt?.toISOString() ?? null;
  await db.execute(sql`update ${providerStates} set account_at = ${at}::timestamptz where ${isOf(key)}`);
}

export async function storeAccount(db: Executor, key: StateKey, { creditsRemaining, tier }: Account): Promise<void> {
  await db.execute(sql`
    update ${providerStates}
    set credits_remaining = ${creditsRemaining}, tier = ${tier}, account_at = clock_timestamp() where ${isOf(key)}`);
}
