import { sql } from 'drizzle-orm';
import type { Database, Transaction } from './connect.ts';

/** The statement was still running at the end of its time; PostgreSQL has stopped it. */
export class TooSlow extends Error {}

const QUERY_CANCELED = '57014';

/** Reads in a transaction of its own, each statement of which has `ms` milliseconds; throws TooSlow past them. */
export async function readWithin<T>(db: Database, ms: number, read: (tx: Transaction) => Promise<T>): Promise<T> {
  try {
    return await db.transaction(async (tx) => {
      await tx.execute(sql`select set_config('statement_timeout', ${String(ms)}, true)`);
      return read(tx);
    });
  } catch (error) {
    const cause = error instanceof Error ? error.cause : null;
    if (cause instanceof Error && 'code' in cause && cause.code === QUERY_CANCELED) throw new TooSlow();
    throw error;
  }
}
