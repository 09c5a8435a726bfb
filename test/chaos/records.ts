import postgres from 'postgres';
import type { Billed } from '../../src/generation/provider.ts';
import type { TaskStatus } from '../../src/generation/types.ts';
import type { Job } from './provider-process.ts';

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
  status: TaskStatus;
  providerTaskId: string | null;
  failure: string | null;
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
  jobs: Job[];
}

export async function readRecords(databaseUrl: string, jobs: Job[]): Promise<Records> {
  return withDatabase(databaseUrl, (sql) =>
    sql.begin('isolation level repeatable read read only', async (tx) => ({
      generations: await tx<GenerationRow[]>`
        select id, status, version, prompt, failure->>'code' as failure, failure->>'billed' as billed,
          finished_at is not null as finished
        from generations order by id`,
      tasks: await tx<TaskRow[]>`
        select id, generation_id as "generationId", status, provider_task_id as "providerTaskId",
          failure->>'code' as failure, failure->>'billed' as billed, finished_at is not null as finished,
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
      jobs,
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
