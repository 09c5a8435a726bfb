import type { Transaction } from '../db/connect.ts';
import { events } from '../db/schema.ts';

export type EventRow = typeof events.$inferInsert;

/** Appends to the log, in the transaction that makes the changes it tells of. */
export async function appendEvents(tx: Transaction, rows: EventRow[]): Promise<void> {
  if (rows.length > 0) await tx.insert(events).values(rows);
}
