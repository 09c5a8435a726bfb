import { type SQL, sql } from 'drizzle-orm';
import { generations, providerStates, tasks } from '../db/schema.ts';
import type { Domain } from './domain.ts';
import { TURNED_AWAY_MS } from './route.ts';

const MOST_AT_ONCE = 500;
/** Processes know of a provider that is well by a second at most later; who looked for one meanwhile is called again. */
const LATE_BY_S = 3;
/** Where it had just been turned away it may go again after this. */
const AGAIN_AFTER_S = TURNED_AWAY_MS / 1000 + 1;

/**
 * Tasks that a provider turned away are due as soon as something may be sent to it, or may again be to another one that
 * their routing allows. It is looked for, not told: whoever finds a provider well cannot see who is being turned away in
 * that instant. In the order in which everyone locks tasks, and none is passed over because it is locked.
 */
export async function recallTurnedAway({ db, hints }: Pick<Domain, 'db' | 'hints'>): Promise<number> {
  const { count } = await db.execute(sql`
    update ${tasks} set next_at = clock_timestamp() where id = any(array(
      select t.id from ${tasks} t join ${generations} g on g.id = t.generation_id
      where t.turned_away_at is not null and t.status = 'QUEUED' and t.worker_id is null
        and t.next_at > clock_timestamp() + interval '1 second'
        and exists (
          select from ${providerStates} s
          where s.mode = t.mode and coalesce(s.open_until <= clock_timestamp(), true) and (
            s.provider = t.provider
            or (
              greatest(s.well_at, s.open_until) > t.turned_away_at - ${seconds(LATE_BY_S)}
              or greatest(s.well_at, s.open_until) > t.turned_away_at - ${seconds(AGAIN_AFTER_S + LATE_BY_S)}
                and t.turned_away_at < clock_timestamp() - ${seconds(AGAIN_AFTER_S)}
            )
              and coalesce(g.routing->>'onFailure', 'FALLBACK') = 'FALLBACK'
              and (g.routing->'providers' is null or jsonb_exists(g.routing->'providers', s.provider))
          )
        )
      order by t.id limit ${MOST_AT_ONCE} for update of t
    ))`);
  if (count > 0) hints.give({ generationIds: [], work: ['submit'], feeds: [] });
  return count;
}

function seconds(count: number): SQL {
  return sql`${count}::int * interval '1 second'`;
}
