import { type SQL, sql } from 'drizzle-orm';
import { tasks } from '../db/schema.ts';
import type { Domain } from './domain.ts';
import { toTask } from './rows.ts';
import type { Task, TaskStatus } from './types.ts';

export interface Claim {
  workerId: string;
  limit: number;
  /** Only of workspaces other than these, and one task of each: for a worker that has no room left for the others. */
  onlyNewTo?: readonly string[] | undefined;
  /** How many tasks of each workspace the worker has in hand already: they come before those that are claimed. */
  inHand?: ReadonlyMap<string, number> | undefined;
  /** Providers that have no turn for anything just now: what is for them is left where it is. */
  notAt?: readonly Pick<Task, 'provider' | 'mode'>[] | undefined;
}

/** As many more are looked at as are asked for: so many may be in the hands of others who claim at the same moment. */
const SPARE = 100;

/**
 * Takes the lease of due tasks that no worker holds and counts the try before the work. Of every workspace the first due
 * task comes before the second of any, those in hand counted, so that none waits behind the many tasks of another. The new
 * lease token fences whoever held them before. Several workers may call it at once: each task goes to one of them. Fewer
 * than `limit` do not mean that there are no more; none means that nothing is due but what others are just taking.
 */
export function claimTasks(domain: Domain, claim: Claim & { statuses: readonly TaskStatus[] }): Promise<Task[]> {
  return take(domain, claim, {
    kinds: claim.statuses,
    isFree: sql`t.worker_id is null and t.finished_at is null${elsewhereThan(claim.notAt)}`,
    isOfKind: (kind) => sql`t.status = ${kind}`,
  });
}

/** What is due at a provider that has no turn for it stays where it is. */
function elsewhereThan(notAt: Claim['notAt'] = []): SQL {
  if (notAt.length === 0) return sql``;
  const names = notAt.map(({ provider, mode }) => `${provider} ${mode}`);
  return sql` and t.provider || ' ' || t.mode <> all(string_to_array(${names.join(',')}::text, ','))`;
}

/** Claims what may leave in one submission with a task in hand: those of its batch, at the same provider, that are due. */
export async function claimCompanions(
  { db }: Domain,
  { batchKey, provider, mode, workspaceId, workerId }: Task,
  limit: number,
): Promise<Task[]> {
  if (limit <= 0 || batchKey === null) return [];
  const rows = await db
    .update(tasks)
    .set({ workerId, leaseToken: sql`${tasks.leaseToken} + 1`, tries: sql`${tasks.tries} + 1` })
    .where(sql`${tasks.id} = any(array(
      select t.id from ${tasks} t
      where t.batch_key = ${batchKey} and t.status = 'QUEUED' and t.worker_id is null and t.provider = ${provider}
        and t.mode = ${mode} and t.workspace_id = ${workspaceId} and t.next_at <= clock_timestamp()
      order by t.id limit ${limit} for update skip locked))`)
    .returning();
  return rows.map(toTask).sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** The same with final tasks whose end at their provider is not known yet. */
export function claimUnsettled(domain: Domain, claim: Claim): Promise<Task[]> {
  return take(domain, claim, {
    kinds: ['UNSETTLED'],
    isFree: sql`t.worker_id is null and t.settle_until is not null`,
    isOfKind: () => sql`true`,
  });
}

/** What is claimed: `isFree` names the index to walk, and tasks of one kind lie in it together, workspace by workspace. */
interface Queue {
  kinds: readonly string[];
  isFree: SQL;
  isOfKind: (kind: SQL) => SQL;
}

async function take(domain: Domain, claim: Claim, queue: Queue): Promise<Task[]> {
  if (claim.limit <= 0) return [];
  const rows = await domain.db
    .update(tasks)
    .set({ workerId: claim.workerId, leaseToken: sql`${tasks.leaseToken} + 1`, tries: sql`${tasks.tries} + 1` })
    // An array is made once; `in` may be planned so that the limit is applied again for every row it is compared with.
    .where(sql`${tasks.id} = any(array(${lockFairly(claim, queue)}))`)
    .returning();
  if (rows.length > 0) domain.reach?.('claim:taken');
  return rows.map(toTask);
}

/**
 * Steps from workspace to workspace along the index, looking at the first task of each only: what is not due costs one
 * step of some three pages, however many there are. Of those that have something due it reads as much as is their share,
 * in the order of the index, and locks what is still free. Pages read for 16 tasks, against one sort of all that is due:
 * 10,000 due in one workspace and 10,000 undue in another 58 against 1,089; 10,000 undue 16 against 1,174; half of 2,000
 * workspaces with ten tasks each due 4,813 against 1,032.
 */
function lockFairly({ limit, onlyNewTo, inHand = new Map() }: Claim, { kinds, isFree, isOfKind }: Queue): SQL {
  // Once and for all rows: compared with a clock that ticks, no index could be used.
  const now = sql`(select clock_timestamp())`;
  const wanted = sql.join(
    kinds.map((kind) => sql`(${kind}::text)`),
    sql`, `,
  );
  const most = onlyNewTo
    ? sql`1`
    : sql`(select ceil((${limit}::int + ${SPARE}) / count(distinct workspace_id)::numeric) from due)`;
  // Typed as text first: the driver would write a JSON parameter as a JSON string.
  const held = sql`jsonb_each_text((${JSON.stringify(Object.fromEntries(inHand))}::text)::jsonb)`;
  const others = sql`workspace_id not in (select unnest(string_to_array(${onlyNewTo?.join(' ')}::text, ' ')))`;
  return sql`
    with recursive waiting(kind, workspace_id, next_at) as (
      (select wanted.kind, first.workspace_id, first.next_at from (values ${wanted}) as wanted(kind) cross join lateral (
        select t.workspace_id, t.next_at from ${tasks} t where ${isFree} and ${isOfKind(sql`wanted.kind`)}
        order by t.workspace_id, t.next_at limit 1
      ) first)
      union all
      select waiting.kind, next.workspace_id, next.next_at from waiting cross join lateral (
        select t.workspace_id, t.next_at from ${tasks} t
        where ${isFree} and ${isOfKind(sql`waiting.kind`)} and t.workspace_id > waiting.workspace_id
        order by t.workspace_id, t.next_at limit 1
      ) next
    ), due as (
      select kind, workspace_id from waiting where next_at <= ${now} ${onlyNewTo ? sql`and ${others}` : sql``}
      order by next_at limit (${limit}::int + ${SPARE}) * ${kinds.length}::int
    ), ranked as (
      select first.id, first.next_at, coalesce(held.value::int, 0)
        + row_number() over (partition by due.workspace_id order by first.next_at) as rank
      from due left join ${held} held on held.key = due.workspace_id cross join lateral (
        select t.id, t.next_at from ${tasks} t
        where ${isFree} and ${isOfKind(sql`due.kind`)} and t.workspace_id = due.workspace_id and t.next_at <= ${now}
        order by t.next_at limit ${most}
      ) first
    ), picked as (
      select id, rank, next_at from ranked ${onlyNewTo ? sql`where rank = 1` : sql``}
      order by rank, next_at limit ${limit}::int + ${SPARE}
    )
    select t.id from picked join ${tasks} t on t.id = picked.id
    where t.id = any(array(select id from picked))
      and ${isFree} and (${sql.join(
        kinds.map((kind) => isOfKind(sql`${kind}`)),
        sql` or `,
      )}) and t.next_at <= ${now}
    order by picked.rank, picked.next_at limit ${limit} for update of t skip locked`;
}
