import { eq, inArray, type SQL, sql } from 'drizzle-orm';
import { newId } from '../db/id.ts';
import { tasks, workers } from '../db/schema.ts';
import type { Domain } from './domain.ts';
import { recordReports } from './record.ts';
import { setAsideMs } from './schedule.ts';
import type { Task } from './types.ts';

/** Rows of one statement: a worker may hold 20,000 tasks, and nobody shall wait until all of them are written. */
const MOST_AT_ONCE = 500;
/** Each of these is a change of its generation. */
const MOST_ABANDONED_AT_ONCE = 100;

/** Registers a worker. Its leases, on however many tasks, live as long as this one row is kept alive. */
export async function registerWorker(domain: Domain): Promise<string> {
  const id = newId('wrk');
  await domain.db.insert(workers).values({ id, aliveUntil: leaseEnd(domain) });
  return id;
}

/**
 * The database's time, in milliseconds; null when the worker had been silent for so long that its tasks were given to
 * others: it must start anew.
 */
export async function keepAlive(domain: Domain, workerId: string): Promise<number | null> {
  const [kept] = await domain.db
    .update(workers)
    .set({ aliveUntil: leaseEnd(domain) })
    .where(eq(workers.id, workerId))
    .returning({ at: sql<string>`extract(epoch from clock_timestamp()) * 1000` });
  return kept ? Number(kept.at) : null;
}

/** Gives back every task the worker holds, and forgets the worker. What it is sending stays its own, for the reconciler. */
export async function retireWorker(domain: Domain, workerId: string): Promise<void> {
  const some = sql`
    select id from ${tasks} where worker_id = ${workerId} and status <> 'SUBMITTING' limit ${MOST_AT_ONCE}`;
  while ((await giveBack(domain, workerId, sql`id = any(array(${some}))`)) > 0);
  await domain.db.delete(workers).where(eq(workers.id, workerId));
}

/** Gives back tasks that the worker holds and has no use for. */
export async function releaseTasks(domain: Domain, workerId: string, ids: readonly string[]): Promise<void> {
  const sorted = ids.toSorted();
  for (let i = 0; i < sorted.length; i += MOST_AT_ONCE) {
    await giveBack(domain, workerId, inArray(tasks.id, sorted.slice(i, i + MOST_AT_ONCE)));
  }
}

/** Gives back tasks with which nothing was done: each keeps its place among those that are due, and the try does not count. */
export async function putTasksBack({ db }: Domain, all: readonly Pick<Task, 'id' | 'leaseToken'>[]): Promise<void> {
  if (all.length === 0) return;
  const held = all.map(({ id, leaseToken }) => sql`(${id}::text, ${leaseToken}::int)`);
  await db.execute(sql`
    update ${tasks} set worker_id = null, lease_token = lease_token + 1, tries = greatest(tries - 1, 0)
    where id in (
      select id from ${tasks} where (id, lease_token) in (${sql.join(held, sql`, `)}) and worker_id is not null
      order by id for update
    )`);
}

/**
 * The try does not count: nothing went wrong. Whoever has the task in hand still may do nothing with it. Locked in the
 * order in which everyone locks tasks, so never in a circle.
 */
async function giveBack({ db }: Domain, workerId: string, which: SQL): Promise<number> {
  const given = await db.execute(sql`
    update ${tasks}
    set worker_id = null, lease_token = lease_token + 1, next_at = clock_timestamp(), tries = greatest(tries - 1, 0)
    where id in (select id from ${tasks} where ${which} and worker_id = ${workerId} order by id for update)`);
  return given.count;
}

/** Gives back a task whose handling failed in a way that nobody foresaw: the try counts, and the next one can wait. */
export async function setTaskAside({ db }: Domain, { id, leaseToken }: Pick<Task, 'id' | 'leaseToken'>): Promise<void> {
  await db.execute(sql`
    update ${tasks} set worker_id = null, lease_token = lease_token + 1, next_at = ${setAsideUntil()}
    where id = ${id} and lease_token = ${leaseToken} and worker_id is not null`);
}

/** These were handled and nobody died of it: their tries begin anew. */
export async function absolveTasks({ db }: Domain, workerId: string, ids: readonly string[]): Promise<void> {
  await db.execute(sql`
    update ${tasks} set tries = 0
    where id in (
      select id from ${tasks} where ${inArray(tasks.id, [...ids])} and worker_id = ${workerId} order by id for update
    )`);
}

/**
 * Frees the tasks of workers that fell silent, and sets aside those that nobody has survived more than once. What one of
 * them was sending at that moment may have been accepted: it becomes UNCERTAIN and is never sent again blindly.
 */
export async function takeOverFromTheSilent(domain: Domain): Promise<void> {
  await domain.db.execute(sql`delete from ${workers} where alive_until < clock_timestamp()`);
  for (const workerId of await listHoldersWithoutRow(domain)) await takeOver(domain, workerId);
  await abandonSubmissions(domain);
}

/**
 * A statement of its own: a claim of a worker that registered a moment ago is not seen here, while a longer statement
 * would see it in the rows it locks, not its worker, and free it. Steps along the index, from holder to holder.
 */
async function listHoldersWithoutRow({ db }: Domain): Promise<string[]> {
  const rows = await db.execute<{ worker_id: string }>(sql`
    with recursive holders(worker_id) as (
      (select worker_id from ${tasks} where worker_id is not null order by worker_id limit 1)
      union all
      select next.worker_id from holders cross join lateral (
        select t.worker_id from ${tasks} t where t.worker_id > holders.worker_id order by t.worker_id limit 1
      ) next
    )
    select worker_id from holders where not exists (select 1 from ${workers} w where w.id = holders.worker_id)`);
  return rows.map(({ worker_id }) => worker_id);
}

/** Nobody is waited for, so the order of the locks is free; what others have locked just now is in the next round. */
async function takeOver({ db, log }: Domain, workerId: string): Promise<void> {
  let freed = 0;
  for (let last = MOST_AT_ONCE; last === MOST_AT_ONCE; freed += last) {
    const { count } = await db.execute(sql`
      update ${tasks} set worker_id = null, lease_token = lease_token + 1, next_at = ${setAsideUntil()}
      where id = any(array(
        select id from ${tasks} where worker_id = ${workerId} limit ${MOST_AT_ONCE} for update skip locked
      ))`);
    last = count;
  }
  if (freed > 0) log.warn({ worker: workerId, tasks: freed }, 'took over the tasks of a silent worker');
}

async function abandonSubmissions(domain: Domain): Promise<void> {
  let after = '';
  for (;;) {
    const abandoned = await domain.db
      .select({ taskId: tasks.id, generationId: tasks.generationId })
      .from(tasks)
      .where(sql`${tasks.workerId} is null and ${tasks.finishedAt} is null and ${tasks.status} = 'SUBMITTING'
        and ${tasks.id} > ${after}`)
      .orderBy(tasks.id)
      .limit(MOST_ABANDONED_AT_ONCE);
    await recordReports(
      domain,
      abandoned.map(({ taskId, generationId }) => ({ generationId, report: { kind: 'ABANDONED', taskId } })),
    );
    const last = abandoned.at(-1);
    if (!last || abandoned.length < MOST_ABANDONED_AT_ONCE) return;
    after = last.taskId;
  }
}

/** The tasks a worker holds at this moment. */
export async function listHeldTaskIds({ db }: Domain, workerId: string): Promise<string[]> {
  const rows = await db.select({ id: tasks.id }).from(tasks).where(eq(tasks.workerId, workerId));
  return rows.map(({ id }) => id);
}

function leaseEnd({ timing }: Domain) {
  return sql`clock_timestamp() + ${timing.leaseMs} * interval '1 millisecond'`;
}

/** `setAsideMs` in SQL, or up to half of it less: what was taken up together is not all taken up together again. */
function setAsideUntil(): SQL {
  const steps = Array.from({ length: LAST_STEP }, (_, i) => setAsideMs(i + 1));
  const ms = sql`(string_to_array(${steps.join(' ')}, ' ')::int[])[least(greatest(tries, 1), ${LAST_STEP}::int)]`;
  return sql`clock_timestamp() + ${ms} * (0.5 + random() / 2) * interval '1 millisecond'`;
}

/** From this try on it is always the longest. */
const LAST_STEP = 12;
