import { type SQL, sql } from 'drizzle-orm';
import type { Transaction } from '../db/connect.ts';
import { events } from '../db/schema.ts';

/** A row as it is written: the sequencer gives it its position after the commit. */
type NewEvent = Omit<typeof events.$inferInsert, 'position' | 'mode'> & { mode: string };

/**
 * Appends to the log, in the transaction that makes the changes it tells of and holds the locks of their generations.
 * Over a clock that was set back, an event gets the time of its generation's last one: `at` orders the feed.
 */
export async function appendEvents(tx: Transaction, rows: NewEvent[]): Promise<void> {
  if (rows.length === 0) return;
  await tx.insert(events).values(rows.map((row) => ({ ...row, at: notBefore(row) })));
}

/** One look into the index of versions; nothing where retention has deleted the last event, which had its position. */
function notBefore({ generationId, at }: NewEvent): SQL {
  return sql`greatest(${sql.param(at, events.at)}::timestamptz, (
    select e.at from ${events} e where e.generation_id = ${generationId} order by e.version desc limit 1
  ))`;
}
