import type { Transaction } from '../db/connect.ts';
import { events } from '../db/schema.ts';

/** A row as it is written: the sequencer gives it its position after the commit. */
type NewEvent = Omit<typeof events.$inferInsert, 'position' | 'mode'> & { mode: string };

/** Appends to the log, in the transaction that makes the changes it tells of. */
export async function appendEvents(tx: Transaction, rows: NewEvent[]): Promise<void> {
  if (rows.length > 0) await tx.insert(events).values(rows);
}
