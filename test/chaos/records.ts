import postgres from 'postgres';
import type { Billed } from '../../src/generation/failure-code.ts';
import type { TaskStatus } from '../../src/generation/types.ts';
import type { Job, ProviderProcess } from './provider-process.ts';

export interface GenerationRow {
  id: string;
  status: string;
  version: number;
  prompt: string;
  failure: string | null;
  billed: Billed | null;
  finished: boolean;
}

export interface TaskRow {
  id: string;
  generationId: string;
  provider: string;
  attempt: number;
  firstSlot: number;
  imageCount: number;
  status: TaskStatus;
  /** It has left at least once. */
  submitted: boolean;
  providerTaskId: string | null;
  /** What we named its last submission. */
  reference: string | null;
  failure: string | null;
  /** Why single images of it are missing: codes. */
  undelivered: string[];
  /** What the failure says of the bill. */
  billed: Billed | null;
  finished: boolean;
  /** Held by a worker that is alive. */
  leased: boolean;
  /** Nobody's turn yet. */
  later: boolean;
  held: boolean;
}

export interface EventRow {
  generationId: string;
  version: number;
  type: string;
  status: string;
  percent: number | null;
  taskId: string | null;
  taskStatus: TaskStatus | null;
  position: number | null;
}

export interface AssetRow {
  id: string;
  generationId: string;
  taskId: string;
  index: number;
  state: string;
  sha256: string | null;
}

/** What the database holds at one instant, and what the provider accepted. */
export interface Records {
  generations: GenerationRow[];
  tasks: TaskRow[];
  /** In the order of their versions. */
  events: EventRow[];
  assets: AssetRow[];
  jobs: KnownJob[];
}

/** What a provider has, by each name that its tasks may have here: a batch has one id, and places in it. */
export interface KnownJob extends Job {
  names: string[];
}

export async function readRecords(databaseUrl: string, provider: ProviderProcess): Promise<Records> {
  const rows = await readRows(databaseUrl);
  const places = await readPlaces(provider, rows.tasks);
  const jobs = (await provider.listJobs()).map((job) => {
    return { ...job, names: [job.taskId, ...(places.get(job.taskId) ?? [])] };
  });
  return { ...rows, jobs };
}

/** The name of each job by its place in the batches that we know of. */
async function readPlaces(provider: ProviderProcess, tasks: readonly TaskRow[]): Promise<Map<string, string[]>> {
  const places = new Map<string, string[]>();
  for (const batchId of new Set(tasks.flatMap((task) => batchOf(task) ?? []))) {
    for (const [place, taskId] of (await provider.listBatch(batchId)).entries()) {
      places.set(taskId, [`${batchId}#${place}`]);
    }
  }
  return places;
}

function batchOf({ provider, providerTaskId }: TaskRow): string | null {
  return provider === 'seedance' ? (/^(.+)#\d+$/.exec(providerTaskId ?? '')?.[1] ?? null) : null;
}

async function readRows(databaseUrl: string): Promise<Omit<Records, 'jobs'>> {
  return withDatabase(databaseUrl, (sql) =>
    sql.begin('isolation level repeatable read read only', async (tx) => ({
      generations: await tx<GenerationRow[]>`
        select id, status, version, prompt, failure->>'code' as failure, failure->>'billed' as billed,
          finished_at is not null as finished
        from generations order by id`,
      tasks: await tx<TaskRow[]>`
        select id, generation_id as "generationId", provider, attempt, first_slot as "firstSlot",
          image_count as "imageCount", status, submitted_at is not null as submitted,
          provider_task_id as "providerTaskId",
          (select reference from submissions where submissions.id = tasks.submission_id) as reference,
          failure->>'code' as failure,
          array(select each->>'code' from jsonb_array_elements(coalesce(undelivered, '[]')) as each) as undelivered,
          failure->>'billed' as billed, finished_at is not null as finished,
          worker_id is not null as held,
          worker_id in (select id from workers where alive_until > clock_timestamp()) is true as leased,
          next_at > clock_timestamp() as later
        from tasks order by id`,
      events: await tx<EventRow[]>`
        select generation_id as "generationId", version, type, status, percent, task_id as "taskId",
          task_status as "taskStatus", position::float8
        from events order by generation_id, version`,
      assets: await tx<AssetRow[]>`
        select id, generation_id as "generationId", task_id as "taskId", index, state, sha256
        from assets order by generation_id, index`,
    })),
  );
}

/** What workers still have to do: end a generation, bring a picture home, give an event its place in the feed. */
export async function countUnfinished(databaseUrl: string): Promise<number> {
  return withDatabase(databaseUrl, async (sql) => {
    const [row] = await sql<{ count: number }[]>`
      select (select count(*) from generations where finished_at is null)
        + (select count(*) from assets where state = 'PENDING')
        + (select count(*) from events where position is null) as count`;
    return Number(row?.count);
  });
}

async function withDatabase<T>(url: string, read: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    return await read(sql);
  } finally {
    await sql.end();
  }
}
