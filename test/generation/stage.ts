import { asc, eq, sql } from 'drizzle-orm';
import { pino } from 'pino';
import { type Connection, connect } from '../../src/db/connect.ts';
import { newId } from '../../src/db/id.ts';
import { events, generations, workspaces } from '../../src/db/schema.ts';
import { createHints } from '../../src/events/hint.ts';
import { createGeneration } from '../../src/generation/create.ts';
import type { Domain } from '../../src/generation/domain.ts';
import type { CreateInput } from '../../src/generation/input.ts';
import { recordReports } from '../../src/generation/record.ts';
import type { Report } from '../../src/generation/report.ts';
import { toGeneration } from '../../src/generation/rows.ts';
import type { Generation } from '../../src/generation/types.ts';
import type { Caller } from '../../src/workspace/caller.ts';
import { createTestDatabase } from '../database.ts';
import { sampleImages, sampleInput, sampleModel, sampleTrouble } from './samples.ts';

const log = pino({ level: 'silent' });

/** The domain on a database of its own, with the provider `kites` in both modes. */
export interface Stage {
  domain: Domain;
  connection: Connection;
  /** Of its database. */
  url: string;
  /** Another process on the same database. */
  another(): Promise<{ domain: Domain; connection: Connection }>;
  newCaller(mode?: Caller['mode']): Promise<Caller>;
  create(caller: Caller, changes?: Partial<CreateInput>): Promise<Generation>;
  reload(id: string): Promise<Generation>;
  eventsOf(id: string): Promise<(typeof events.$inferSelect)[]>;
  /** Leaves no row in any table. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

export async function openStage(changes: Partial<Domain['timing']> = {}): Promise<Stage> {
  const database = await createTestDatabase();
  const opened: Connection[] = [];
  const usual = { leaseMs: 30_000, uncertainHoldMs: 600_000, deadlineMs: 900_000, eventRetentionMs: 3_600_000 };
  const timing = { ...usual, ...changes };

  async function another() {
    const connection = connect({ url: database.url, directUrl: database.url, log });
    opened.push(connection);
    const models = [sampleModel()];
    const limits = { concurrency: null, requestsPerMinute: null, batch: null };
    const kites = { slug: 'kites', name: 'Kites', models, limits, isSynchronous: false, resultsLag: false };
    const catalogue = (['TEST', 'LIVE'] as const).map((mode) => ({ ...kites, mode }));
    return { connection, domain: { db: connection.db, hints: createHints(connection, log), catalogue, timing, log } };
  }

  const { domain, connection } = await another();
  const { db } = domain;
  return {
    domain,
    connection,
    url: database.url,
    another,
    async newCaller(mode = 'TEST') {
      const id = newId('wsp');
      await db.insert(workspaces).values({ id, name: id });
      return { workspaceId: id, mode, scopes: ['GENERATE', 'READ'], apiKeyId: null };
    },
    async create(caller, input = {}) {
      const created = await createGeneration(domain, caller, sampleInput(input));
      if (!created.ok) throw new Error(JSON.stringify(created.errors));
      return created.generation;
    },
    async reload(id) {
      const row = await db.query.generations.findFirst({
        where: eq(generations.id, id),
        with: { tasks: true, assets: true },
      });
      if (!row) throw new Error(`There is no ${id}.`);
      return toGeneration(row);
    },
    eventsOf: (id) => db.select().from(events).where(eq(events.generationId, id)).orderBy(asc(events.version)),
    async clear() {
      await db.execute(sql`truncate workspaces, workers, provider_states cascade`);
    },
    async close() {
      await Promise.all(opened.map((each) => each.stop()));
      await database.drop();
    },
  };
}

/** The only task of a generation. */
export function taskOf({ tasks }: Generation) {
  const [task] = tasks;
  if (!task || tasks.length > 1) throw new Error(`${tasks.length} tasks are not one.`);
  return task;
}

/** Brings every task of a generation to ACCEPTED, as if a worker had sent it. */
export async function accept({ domain }: Stage, generation: Generation): Promise<Generation> {
  const reports = generation.tasks.flatMap(({ id: taskId, leaseToken: token }): Report[] => {
    // No submission row: what is tested here begins after it.
    const submissionId = null as unknown as string;
    const report = { kind: 'ACCEPTED', providerTaskId: `theirs-${taskId}`, credits: null, etaSeconds: null } as const;
    return [
      { kind: 'SENDING', taskId, token, submissionId },
      { kind: 'SUBMITTED', taskId, submissionId, report },
    ];
  });
  return tell(domain, generation, ...reports);
}

/** Appends events of these versions to its log, and nothing else: quicker than changes. */
export async function append({ domain }: Stage, generation: Generation, from: number, to: number): Promise<void> {
  const { workspaceId, id, mode } = generation;
  await domain.db.execute(sql`
    insert into events (id, workspace_id, generation_id, version, type, at, status, mode)
    select 'evt_' || ${id} || n, ${workspaceId}, ${id}, n, 'TASK_CHANGED', clock_timestamp(), 'RUNNING', ${mode}
    from generate_series(${from}::int, ${to}::int) n`);
}

export async function tell(domain: Domain, { id }: Generation, ...reports: Report[]): Promise<Generation> {
  const [after] = await recordReports(
    domain,
    reports.map((report) => ({ generationId: id, report })),
  );
  if (!after) throw new Error(`There is no ${id}.`);
  return after;
}

export function running(generation: Generation, percent: number | null): Report {
  const { id: taskId, leaseToken: token, pollCount } = taskOf(generation);
  const report = { kind: 'RUNNING', percent, etaSeconds: null } as const;
  return { kind: 'POLLED', taskId, token, pollCount: pollCount + 1, report, resultTtlSeconds: 3600 };
}

export function finished(generation: Generation, images: number): Report {
  const { id: taskId, leaseToken: token, pollCount } = taskOf(generation);
  const report = { kind: 'FINISHED', images: sampleImages(images), credits: null } as const;
  return { kind: 'POLLED', taskId, token, pollCount: pollCount + 1, report, resultTtlSeconds: 3600 };
}

export function failed(generation: Generation): Report {
  const { id: taskId, leaseToken: token, pollCount } = taskOf(generation);
  const report = { kind: 'FAILED', failure: sampleTrouble() } as const;
  return { kind: 'POLLED', taskId, token, pollCount: pollCount + 1, report, resultTtlSeconds: 3600 };
}
