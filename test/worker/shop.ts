import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type SQL, sql } from 'drizzle-orm';
import type { TestContext } from 'vitest';
import { createGuardedFetch } from '../../src/fetch/guarded-fetch.ts';
import { cancelGeneration } from '../../src/generation/cancel.ts';
import { claimTasks } from '../../src/generation/claim.ts';
import { createGeneration } from '../../src/generation/create.ts';
import type { Domain } from '../../src/generation/domain.ts';
import type { CreateInput } from '../../src/generation/input.ts';
import { registerWorker } from '../../src/generation/lease.ts';
import type { SentSubmission } from '../../src/generation/provider-request.ts';
import { recordSubmission } from '../../src/generation/record-submission.ts';
import { markSending, newSubmissionId } from '../../src/generation/send.ts';
import { createStandings } from '../../src/generation/standings.ts';
import type { Generation, Task } from '../../src/generation/types.ts';
import { createConnections } from '../../src/provider/connections.ts';
import type { Provider } from '../../src/provider/provider.ts';
import { createDiskStorage } from '../../src/storage/disk.ts';
import type { CallbackUrl } from '../../src/worker/callback-url.ts';
import { createWorker, type Worker } from '../../src/worker/worker.ts';
import type { Caller } from '../../src/workspace/caller.ts';
import { sampleInput } from '../generation/samples.ts';
import { openStage, type Stage } from '../generation/stage.ts';
import { until } from '../service/until.ts';
import { createAdapter, type RecoveryClass } from './adapter.ts';
import { startUpstream, type Upstream } from './upstream.ts';

/** Nobody waits for it: a test ends a hold by hand. */
export const HOLD_MS = 600_000;

/** A database, a caller, and an upstream that is a provider of each class: its models are named after them. */
export interface Shop {
  domain: Domain;
  stage: Stage;
  upstream: Upstream;
  providers: Record<RecoveryClass, Provider>;
  /** With all providers, unless told otherwise. Any number may work at once; `close` stops those that still do. */
  startWorker(known?: Provider[]): Promise<Worker>;
  create(
    model: RecoveryClass,
    prompt: string,
    changes?: Partial<CreateInput>,
    deadlineMs?: number,
  ): Promise<Generation>;
  cancel(generation: Generation): Promise<Generation>;
  /** Waits until the generation is so. */
  sees(generation: Generation, holds: (now: Generation) => boolean): Promise<Generation>;
  /** A worker that is registered and does nothing by itself. */
  register(): Promise<string>;
  /** Creates one and marks it as leaving, as such a worker; nothing leaves. For a shop where no other works. */
  mark(model: RecoveryClass, prompt: string): Promise<Marked>;
  /** The same, and what leaves is accepted: nobody has asked about it yet. */
  send(model: RecoveryClass, prompt: string): Promise<Generation>;
  /** Lets every worker look as if it had not been heard of for too long. */
  silenceAll(): Promise<void>;
  /** Changes columns of its tasks. */
  setTask(generation: Generation, changes: SQL): Promise<void>;
  close(): Promise<void>;
}

interface Marked {
  generation: Generation;
  task: Task;
  submission: SentSubmission;
}

export async function openShop(): Promise<Shop> {
  const [stage, upstream] = await Promise.all([openStage({ uncertainHoldMs: HOLD_MS }), startUpstream()]);
  const folder = await mkdtemp(join(tmpdir(), 'darkroom-worker-'));
  const [connections, fetch] = [createConnections(), createGuardedFetch({ allowedHosts: [] })];
  const adapt = (recovery: RecoveryClass) => createAdapter(upstream.url, recovery, connections);
  const providers = { ASK: adapt('ASK'), CALLBACK: adapt('CALLBACK'), NONE: adapt('NONE') };
  const standings = createStandings({ ...stage.domain, catalogue: Object.values(providers) });
  await standings.start();
  const domain: Domain = { ...stage.domain, catalogue: Object.values(providers), standingOf: standings.of };
  const keeper = { fetch, storage: createDiskStorage(folder) };
  const caller: Caller = await stage.newCaller();
  const callbackUrl: CallbackUrl = ({ callback }, id) => callback && `https://${id}`;
  const workers: Worker[] = [];

  const create: Shop['create'] = async (model, prompt, changes, deadlineMs = domain.timing.deadlineMs) => {
    const timed = { ...domain, timing: { ...domain.timing, deadlineMs } };
    const created = await createGeneration(timed, caller, sampleInput({ model, prompt, ...changes }));
    if (!created.ok) throw new Error(JSON.stringify(created.errors));
    return created.generation;
  };

  const mark: Shop['mark'] = async (model, prompt) => {
    const generation = await create(model, prompt);
    const claim = { workerId: await registerWorker(domain), statuses: ['QUEUED' as const], limit: 10 };
    const task = (await claimTasks(domain, claim)).find(({ generationId }) => generationId === generation.id);
    if (!task) throw new Error('Another worker has it.');
    const [id, reference] = [newSubmissionId(), randomUUID()];
    const body = providers[model].compose(task.request, { submissionId: id, reference, callbackUrl: null });
    if (await markSending(domain, [task], { id, reference, body })) throw new Error('It may be sent.');
    return { generation, task, submission: { id, reference, body } };
  };

  return {
    domain,
    stage,
    upstream,
    providers,
    async startWorker(known = Object.values(providers)) {
      const worker = createWorker(domain, known, keeper, callbackUrl, standings);
      await worker.start();
      workers.push(worker);
      return worker;
    },
    create,
    mark,
    async send(model, prompt) {
      const { generation, task, submission } = await mark(model, prompt);
      const { report, exchange } = await providers[model].submit(submission.body, new AbortController().signal);
      await recordSubmission(domain, [{ task, report: report }], submission.id, exchange);
      return stage.reload(generation.id);
    },
    async cancel({ id }) {
      const canceled = await cancelGeneration(domain, caller, id);
      if (!canceled.ok) throw new Error(JSON.stringify(canceled.errors));
      return canceled.generation;
    },
    sees: ({ id }, holds) => until(() => stage.reload(id), holds, 25_000),
    register: () => registerWorker(domain),
    async silenceAll() {
      await domain.db.execute(sql`update workers set alive_until = clock_timestamp() - interval '1 second'`);
    },
    async setTask({ id }, changes) {
      await domain.db.execute(sql`update tasks set ${changes} where generation_id = ${id}`);
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.stop()));
      await Promise.all([upstream.stop(), fetch.stop(), connections.stop(), standings.stop()]);
      await stage.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** A shop of its own, where no worker takes what a test takes by hand. */
export async function openOwnShop(finished: TestContext['onTestFinished']): Promise<Shop> {
  const own = await openShop();
  finished(() => own.close());
  return own;
}

export function isOver({ finishedAt }: Generation): boolean {
  return finishedAt !== null;
}

/** No worker has it, nor will for half a minute. */
export function isPutOff({ tasks }: Generation): boolean {
  const isNear = (at: Date) => Math.abs(at.getTime() - Date.now() - 30_000) < 10_000;
  return tasks.every(({ workerId, nextAt }) => workerId === null && isNear(nextAt));
}

/** It had so many turns at least, and was given back. */
export function isAsked(count: number): (generation: Generation) => boolean {
  return ({ tasks }) => tasks.every(({ tries, workerId }) => tries >= count && workerId === null);
}
