import { type SQL, sql } from 'drizzle-orm';
import type { Database } from '../db/connect.ts';
import { providerStates } from '../db/schema.ts';
import type { Mode } from './provider.ts';

/** Whose row it is: there is one for each provider in each mode. */
export interface StateKey {
  provider: string;
  mode: Mode;
}

/** The database, or a transaction on it. */
export type Executor = Pick<Database, 'execute'>;

export function isOf({ provider, mode }: StateKey): SQL {
  return sql`provider = ${provider} and mode = ${mode}`;
}

/** What `ask` finds on the row; it is made first, and asked again, where `ask` finds none. */
export async function askState<T>(db: Executor, key: StateKey, ask: () => Promise<T | undefined>): Promise<T> {
  const found = await ask();
  if (found !== undefined) return found;
  await db.execute(sql`
    insert into ${providerStates} (provider, mode) values (${key.provider}, ${key.mode}) on conflict do nothing`);
  const made = await ask();
  if (made === undefined) throw new Error(`The state of ${key.provider} (${key.mode}) is gone.`);
  return made;
}
