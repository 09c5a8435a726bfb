import { eq, inArray, sql } from 'drizzle-orm';
import { newId } from '../db/id.ts';
import { tasks, workers } from '../db/schema.ts';
import type { Domain } from './domain.ts';
import { recordReports } from './record.ts';

/** What is not taken over in one round is in the next. */
const MOST_AT_ONCE = 500;

/** Registers a worker. Its leases, on however many tasks, live as long as this one row is kept alive. */
export async function registerWorker(domain: Domain): Promise<string> {
  const id = newId('wrk');
  await domain.db.insert(workers).values({ id, aliveUntil: leaseEnd(domain) });
  return id;
}

/** False when the worker had been silent for so long that its tasks were given to others: it must start anew. */
export async function keepAlive(domain: Domain, workerId: string): Promise<boolean> {
  const kept = await domain.db
    .update(workers)
    .set({ aliveUntil: leaseEnd(domain) })
    .where(eq(workers.id, workerId))
    .returning({ id: workers.id });
  return kept.length > 0;
}

/** Gives back every task the worker holds, and forgets the worker. */
export async function retireWorker(domain: Domain, workerId: string): Promise<void> {
  await domain.db.transaction(async (tx) => {
    // Locked in the order in which everyone locks tasks, so that nobody waits in a circle.
    await tx.execute(sql`
      update ${tasks} set worker_id = null
      where id in (
        select id from ${tasks} where worker_id = ${workerId} and status <> 'SUBMITTING' order by id for update
      )`);
    await tx.delete(workers).where(eq(workers.id, workerId));
  });
}

/**
 * Frees the tasks of workers that fell silent. What one of them was sending at that moment may have been accepted:
 * it becomes UNCERTAIN and is never sent again blindly.
 */
export async function takeOverFromTheSilent(domain: Domain): Promise<void> {
  await domain.db.execute(sql`delete from ${workers} where alive_until < clock_timestamp()`);
  const freed = await domain.db.execute(sql`
    update ${tasks} set worker_id = null, lease_token = lease_token + 1
    where id in (
      select t.id from ${tasks} t
      where t.worker_id is not null and not exists (select 1 from ${workers} w where w.id = t.worker_id)
      for update skip locked
    )`);
  if (freed.count > 0) domain.log.warn({ tasks: freed.count }, 'took over the tasks of a silent worker');
  const abandoned = await domain.db
    .select({ taskId: tasks.id, generationId: tasks.generationId })
    .from(tasks)
    .where(sql`${tasks.status} = 'SUBMITTING' and ${tasks.workerId} is null and ${tasks.finishedAt} is null`)
    .limit(MOST_AT_ONCE);
  await recordReports(
    domain,
    abandoned.map(({ taskId, generationId }) => ({ generationId, report: { kind: 'ABANDONED', taskId } })),
  );
}

/** Gives back tasks that the worker holds and has no use for. */
export async function releaseTasks({ db }: Domain, workerId: string, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await db.execute(sql`
    update ${tasks} set worker_id = null
    where id in (
      select id from ${tasks} where ${inArray(tasks.id, [...ids])} and worker_id = ${workerId} order by id for update
    )`);
}

/** The tasks a worker holds at this moment. */
export async function listHeldTaskIds({ db }: Domain, workerId: string): Promise<string[]> {
  const rows = await db.select({ id: tasks.id }).from(tasks).where(eq(tasks.workerId, workerId));
  return rows.map(({ id }) => id);
}

function leaseEnd({ timing }: Domain) {
  return sql`clock_timestamp() + ${timing.leaseMs} * interval '1 millisecond'`;
}
