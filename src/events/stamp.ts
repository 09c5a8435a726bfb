import { sql } from 'drizzle-orm';
import type { Database } from '../db/connect.ts';
import { events, feed, generations } from '../db/schema.ts';

export interface Stamped {
  /** Another process is at it. */
  busy: boolean;
  events: number;
  /** Whose feeds have grown. */
  workspaceIds: string[];
}

/**
 * Gives committed events their positions in the feed, at most `limit` of them. Whoever holds the lock of the feed's one
 * row is the only one who does, and lets go with the commit: a reader that sees a position sees all before it. Within a
 * generation `at` never goes back, so its versions keep their order, also from one batch to the next.
 */
export async function stampEvents(db: Database, limit: number): Promise<Stamped> {
  return db.transaction(async (tx) => {
    // A statement of its own: the next one sees all that was committed before the lock was ours.
    const [row] = await tx.select({ last: feed.last }).from(feed).for('update', { skipLocked: true });
    if (!row) return { busy: true, events: 0, workspaceIds: [] };
    const grown = await tx.execute<{ workspace_id: string; events: number }>(sql`
      with batch as (
        select id, row_number() over (order by at, generation_id, version) as n from ${events}
        where position is null order by at, generation_id, version limit ${limit}
      ), stamped as (
        update ${events} e set
          position = ${row.last}::bigint + batch.n,
          mode = coalesce(e.mode, (select g.mode from ${generations} g where g.id = e.generation_id))
        from batch where e.id = batch.id
        returning e.workspace_id
      ), moved as (
        update ${feed} set last = last + (select count(*) from batch) where exists (select from batch)
      )
      select workspace_id, count(*)::int as events from stamped group by workspace_id`);
    return {
      busy: false,
      events: grown.reduce((sum, each) => sum + each.events, 0),
      workspaceIds: grown.map((each) => each.workspace_id),
    };
  });
}
