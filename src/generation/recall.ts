import { sql } from 'drizzle-orm';
import { providerStates, tasks } from '../db/schema.ts';
import type { Domain } from './domain.ts';

const MOST_AT_ONCE = 500;
/** So long a process may take one for open that is well: who looks for another provider meanwhile is called once more. */
const STALE_S = 3;

/**
 * Tasks that a provider turned away are due as soon as it, or any other one that might make them, is well. It is looked
 * for, not told: whoever finds a provider well cannot see who is being turned away in that instant. In the order in which
 * everyone locks tasks, and none is passed over because it is locked.
 */
export async function recallTurnedAway({ db, hints }: Pick<Domain, 'db' | 'hints'>): Promise<number> {
  const { count } = await db.execute(sql`
    update ${tasks} set next_at = clock_timestamp() where id = any(array(
      select t.id from ${tasks} t
      where t.turned_away_at is not null and t.status = 'QUEUED' and t.worker_id is null
        and t.next_at > clock_timestamp() + interval '1 second'
        and exists (
          select from ${providerStates} s
          where s.mode = t.mode and s.well_at > t.turned_away_at - ${STALE_S}::int * interval '1 second'
        )
      order by t.id limit ${MOST_AT_ONCE} for update of t
    ))`);
  if (count > 0) hints.give({ generationIds: [], work: ['submit'], feeds: [] });
  return count;
}
