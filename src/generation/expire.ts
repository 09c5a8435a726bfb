import { sql } from 'drizzle-orm';
import { assets, tasks } from '../db/schema.ts';
import type { Domain } from './domain.ts';
import { recordReports } from './record.ts';

/** Taken up this often and still without an end, something about the task kills whoever works on it. */
const POISONED_TRIES = 8;
/** Once and for all rows: compared with a clock that ticks, no index could be used. */
const NOW = sql`(select clock_timestamp())`;
/** Longer than a poisoned task is set aside, so that it had its last chance. */
const POISONED_GRACE = sql`interval '15 minutes'`;

/**
 * Ends what ran out of time, oldest first: tasks that no provider has, and UNCERTAIN ones whose hold is over. What a
 * provider has accepted is ended by the poller, after a last look: it may be finished. What no worker survives is ended
 * here, long after its time.
 */
export async function expireTasks(domain: Domain, limit: number): Promise<number> {
  const due = await domain.db.execute<{ id: string; generation_id: string }>(sql`
    (select id, generation_id from ${tasks}
      where finished_at is null and deadline_at <= ${NOW}
        and status in ('QUEUED', 'UNCERTAIN')
      order by deadline_at limit ${limit})
    union
    (select id, generation_id from ${tasks}
      where status = 'UNCERTAIN' and coalesce(hold_until, next_at) <= ${NOW}
      order by coalesce(hold_until, next_at) limit ${limit})
    union
    (select id, generation_id from ${tasks}
      where worker_id is null and finished_at is null and status in ('ACCEPTED', 'RUNNING')
        and tries >= ${POISONED_TRIES} and deadline_at <= ${NOW} - ${POISONED_GRACE}
      limit ${limit})
    union
    (select t.id, t.generation_id from ${tasks} t
      where t.worker_id is null and (t.status = 'COLLECTING' and t.finished_at is null or t.settle_until is not null)
        and t.tries >= ${POISONED_TRIES}
        and case
          when exists (select 1 from ${assets} a where a.task_id = t.id and a.state = 'PENDING') then exists (
            select 1 from ${assets} a where a.task_id = t.id and a.state = 'PENDING'
              and a.provider_url_expires_at <= ${NOW} - interval '1 hour'
          )
          else t.settle_until <= ${NOW}
        end
      limit ${limit})`);
  await recordReports(
    domain,
    due.map(({ id, generation_id }) => ({ generationId: generation_id, report: { kind: 'TIME_UP', taskId: id } })),
  );
  return due.length;
}
