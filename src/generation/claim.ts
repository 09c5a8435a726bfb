import { sql } from 'drizzle-orm';
import { tasks } from '../db/schema.ts';
import type { Domain } from './domain.ts';
import { toTask } from './rows.ts';
import type { Task, TaskStatus } from './types.ts';

export interface Claim {
  workerId: string;
  statuses: readonly TaskStatus[];
  limit: number;
}

/**
 * Takes the lease of due tasks that no worker holds, oldest due first, and counts the try before the work. The new
 * lease token fences whoever held them before. Several workers may call it at once: each task goes to one of them.
 */
export async function claimTasks(domain: Domain, { workerId, statuses, limit }: Claim): Promise<Task[]> {
  if (limit <= 0) return [];
  const states = sql.join(
    statuses.map((status) => sql`${status}`),
    sql`, `,
  );
  const due = sql`
    select id from ${tasks}
    where worker_id is null and finished_at is null and status in (${states}) and next_at <= clock_timestamp()
    order by next_at limit ${limit} for update skip locked`;
  const rows = await domain.db
    .update(tasks)
    .set({ workerId, leaseToken: sql`${tasks.leaseToken} + 1`, tries: sql`${tasks.tries} + 1` })
    // An array is made once; `in` may be planned so that the limit is applied again for every row it is compared with.
    .where(sql`${tasks.id} = any(array(${due}))`)
    .returning();
  if (rows.length > 0) domain.reach?.('claim:taken');
  return rows.map(toTask);
}
