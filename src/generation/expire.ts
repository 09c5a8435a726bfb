import { sql } from 'drizzle-orm';
import { tasks } from '../db/schema.ts';
import type { Domain } from './domain.ts';
import { recordReports } from './record.ts';

/**
 * Ends what ran out of time, oldest first: tasks that no provider has, and UNCERTAIN ones whose hold is over. What a
 * provider has accepted is ended by the poller, after a last look: it may be finished.
 */
export async function expireTasks(domain: Domain, limit: number): Promise<number> {
  const due = await domain.db.execute<{ id: string; generation_id: string }>(sql`
    (select id, generation_id from ${tasks}
      where finished_at is null and deadline_at <= clock_timestamp()
        and status in ('QUEUED', 'UNCERTAIN')
      order by deadline_at limit ${limit})
    union
    (select id, generation_id from ${tasks}
      where worker_id is null and finished_at is null and status = 'UNCERTAIN' and next_at <= clock_timestamp()
      order by next_at limit ${limit})`);
  await recordReports(
    domain,
    due.map(({ id, generation_id }) => ({ generationId: generation_id, report: { kind: 'TIME_UP', taskId: id } })),
  );
  return due.length;
}
