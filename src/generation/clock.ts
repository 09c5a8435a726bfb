import { sql } from 'drizzle-orm';
import type { Transaction } from '../db/connect.ts';

/** The database's time at this moment, the same for every process; `now()` would be that of the transaction's start. */
export async function readClock(tx: Transaction): Promise<Date> {
  const [row] = await tx.execute<{ at: string }>(sql`select clock_timestamp()::text as at`);
  if (!row) throw new Error('The database did not say what time it is.');
  return new Date(row.at);
}
