import { sql } from 'drizzle-orm';
import type { Database } from '../db/connect.ts';
import { events, feed } from '../db/schema.ts';

/**
 * Deletes events older than the retention from the beginning of the feed, at most `limit` of them, and raises the floor
 * in the same transaction: a cursor below it is known to have missed some. Answers how many.
 */
export async function forgetEvents(db: Database, retentionMs: number, limit: number): Promise<number> {
  return db.transaction(async (tx) => {
    const [row] = await tx.select({ floor: feed.floor }).from(feed).for('update');
    if (!row) throw new Error('The table feed has lost its row.');
    const [forgotten] = await tx.execute<{ events: number }>(sql`
      with oldest as (
        select position, at < clock_timestamp() - ${retentionMs} * interval '1 millisecond' as old from ${events}
        where position > ${row.floor} order by position limit ${limit}
      ), bounds as (
        select coalesce(min(position) filter (where not old) - 1, max(position)) as upto from oldest
      ), gone as (
        delete from ${events} where position > ${row.floor} and position <= (select upto from bounds)
        returning position
      ), raised as (
        update ${feed} set floor = (select max(position) from gone) where exists (select from gone)
      )
      select count(*)::int as events from gone`);
    return forgotten?.events ?? 0;
  });
}
