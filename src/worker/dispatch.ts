import { randomUUID } from 'node:crypto';
import type { GuardedFetch } from '../fetch/guarded-fetch.ts';
import type { Domain } from '../generation/domain.ts';
import { putTasksBack } from '../generation/lease.ts';
import type { Report } from '../generation/machine.ts';
import type {
  Exchange,
  ProviderRequest,
  ReferenceRules,
  SentSubmission,
  SubmitReport,
} from '../generation/provider.ts';
import { recordReports } from '../generation/record.ts';
import { recordArrival, recordSubmission } from '../generation/record-submission.ts';
import { markSending, newSubmissionId, type Obstacle, takeBack } from '../generation/send.ts';
import type { Task } from '../generation/types.ts';
import type { Provider } from '../provider/provider.ts';
import { createTurns } from '../turns.ts';
import { answersOf } from './batch-answers.ts';
import type { Breaker, Permission, Trial } from './breaker.ts';
import type { CallbackUrl } from './callback-url.ts';
import { AFTER_A_FAILURE, delayed, UNCONFIGURED } from './delay.ts';
import type { Identity } from './identity.ts';
import { batchLimit, type Limits } from './limits.ts';
import { findProvider, type Providers } from './providers.ts';
import { type Fetching, fetchReferences } from './references.ts';
import { shortenBody } from './shorten-body.ts';
import { whileEstimating } from './while-estimating.ts';

const UNMARKED_MS = 500;
/** Of all submissions together: a download may be as large as a reference may be. */
const MOST_DOWNLOADS = 4;
/** Submissions that hold their references in memory, many times 10 MB each. */
const MOST_WITH_BYTES = 4;

export interface DispatchParts {
  providers: Providers;
  identity: Identity;
  callbackUrl: CallbackUrl;
  fetch: GuardedFetch;
  breaker: Breaker;
  limits: Limits;
}

export interface Dispatcher {
  /** Sends tasks in one submission: one, or several of one batch. Whatever goes wrong is dealt with. */
  dispatch(tasks: readonly Task[], signal: AbortSignal): Promise<void>;
  /** Providers that have no turn just now. */
  busy(): Pick<Task, 'provider' | 'mode'>[];
  /** What has not left yet is given back when its turn comes. */
  stop(): void;
  /** How many orders one submission may carry now. */
  roomFor(provider: Provider, task: Task): number;
}

/** The way of one submission: its references, whether its provider is well, its mark, its bytes, its answer. */
export function createDispatcher(domain: Domain, parts: DispatchParts): Dispatcher {
  const { providers, identity, callbackUrl, fetch, breaker, limits } = parts;
  const busyUntil = new Map<Provider, number>();
  const takeDownload = createTurns(MOST_DOWNLOADS);
  const takeMemory = createTurns(MOST_WITH_BYTES);
  let isStopping = false;

  async function dispatch(tasks: readonly Task[], signal: AbortSignal): Promise<void> {
    try {
      const [first] = tasks;
      const provider = first && findProvider(providers, first);
      if (!provider) return await tell(tasks, (task) => delayed(task, UNCONFIGURED));
      if (!tasks.some((task) => becomesBytes(provider, task))) return await attempt(provider, tasks, signal);
      await takeMemory(() => attempt(provider, tasks, signal), first.workspaceId);
    } catch (error) {
      domain.log.error({ err: error, tasks: tasks.map(({ id }) => id) }, 'tasks could not be submitted');
      await tell(tasks, (task) => delayed(task, AFTER_A_FAILURE)).catch(() => {});
    }
  }

  async function attempt(provider: Provider, tasks: readonly Task[], signal: AbortSignal): Promise<void> {
    // Before anything is fetched for it.
    if (isStopping || isBusy(provider)) return putTasksBack(domain, tasks);
    const may = await breaker.mayTry(provider);
    if (!may.ok) return turnAway(provider, tasks, may);
    await tryAt(provider, tasks, may, signal);
  }

  /** Whatever stood in the way: a trial that was not made is for another. */
  async function tryAt(provider: Provider, tasks: readonly Task[], trial: Trial, signal: AbortSignal): Promise<void> {
    let report: SubmitReport | null = null;
    try {
      const fit = await lookAtReferences(provider, tasks, signal);
      report = fit.length > 0 ? await send(provider, fit, signal) : null;
    } finally {
      await (report ? breaker.heard(provider, report, trial) : breaker.notTried(provider, trial));
    }
  }

  /** Those that may be sent, with their requests as they are sent; the others fail before anything leaves. */
  async function lookAtReferences(provider: Provider, tasks: readonly Task[], signal: AbortSignal): Promise<Order[]> {
    const looked = await Promise.all(
      tasks.map(async (task) => {
        const rules = rulesOf(provider, task);
        const options = { allowedHosts: provider.resultHosts, signal };
        const fetching: Fetching = { fetch, takeTurn: (work) => takeDownload(work, task.workspaceId) };
        return { task, references: await fetchReferences(fetching, task.request, rules, options) };
      }),
    );
    const unfit = looked.flatMap(({ task, references }) => (references.ok ? [] : [{ task, ...references }]));
    await recordReports(
      domain,
      unfit.map(({ task: { id: taskId, leaseToken: token, generationId }, failure }) => {
        return { generationId, report: { kind: 'UNFIT', taskId, token, failure } };
      }),
    );
    return looked.flatMap(({ task, references }) => (references.ok ? [{ task, request: references.request }] : []));
  }

  /** The answer, once it is stored; null where nothing has left. */
  async function send(provider: Provider, orders: readonly Order[], signal: AbortSignal): Promise<SubmitReport | null> {
    const tasks = orders.map(({ task }) => task);
    const submission = compose(provider, orders);
    const obstacle = await mark(provider, tasks, submission);
    // Frozen for longer than the lease: others have the tasks by now, and it must not leave so late.
    const isLate = !obstacle && !identity.isAlive();
    if (obstacle) await giveBack(provider, tasks, obstacle);
    if (isLate) await takeBack(domain, tasks, submission.id, UNMARKED_MS);
    if (obstacle || isLate) return null;
    const { report, exchange } = await submit(provider, tasks, submission, signal);
    domain.reach?.('submit:answered');
    await record(provider, tasks, submission.id, report, exchange);
    return report;
  }

  function compose(provider: Provider, orders: readonly Order[]): Composed {
    const [id, reference] = [newSubmissionId(), randomUUID()];
    const sending = { submissionId: id, reference, callbackUrl: callbackUrl(provider, id) };
    const requests = orders.map(({ request }) => request);
    const [only] = requests;
    if (!only) throw new Error('There is nothing to send.');
    const body =
      requests.length > 1 && provider.batch
        ? provider.batch.compose(requests, sending)
        : provider.compose(only, sending);
    return { id, reference, body, awaitsCallback: sending.callbackUrl !== null };
  }

  /** Null when it may leave. If what became of the mark is unknown, it stays. */
  async function mark(
    provider: Provider,
    tasks: readonly Task[],
    { awaitsCallback, ...submission }: Composed,
  ): Promise<Obstacle | null> {
    try {
      const stored = { ...submission, body: shortenBody(submission.body) };
      const images = tasks.reduce((sum, { imageCount }) => sum + imageCount, 0);
      return await markSending(domain, tasks, stored, { awaitsCallback, admit: limits.admit(provider, images) });
    } catch (error) {
      domain.log.error({ err: error, submission: submission.id }, 'it could not be marked as leaving, so it stays');
      await takeBack(domain, tasks, submission.id, UNMARKED_MS);
      return { kind: 'LOST', taskIds: tasks.map(({ id }) => id) };
    }
  }

  async function giveBack(provider: Provider, tasks: readonly Task[], obstacle: Obstacle): Promise<void> {
    if (obstacle.kind === 'NO_TURN') {
      // Until then nothing of it is claimed here, so they may stay as due as they are.
      busyUntil.set(provider, performance.now() + obstacle.waitMs);
      return putTasksBack(domain, tasks);
    }
    const others = tasks.filter(({ id }) => !obstacle.taskIds.includes(id));
    await tell(others, (task) => delayed(task, { delayMs: 0, blameless: true }));
  }

  async function submit(provider: Provider, tasks: readonly Task[], { id, body }: SentSubmission, signal: AbortSignal) {
    const [task] = tasks;
    if (!provider.isSynchronous || !task) return provider.submit(body, signal);
    return whileEstimating(domain, provider, task, id, () =>
      provider.submit(body, signal, ({ images }) => recordArrival(domain, task, id, images)),
    );
  }

  async function record(
    provider: Provider,
    tasks: readonly Task[],
    submissionId: string,
    report: SubmitReport,
    exchange: Exchange,
  ): Promise<void> {
    await recordSubmission(domain, answersOf(provider, tasks, report), submissionId, exchange);
    if (!('failure' in report)) return;
    const { code, message } = report.failure;
    const ids = tasks.map(({ id }) => id);
    domain.log.warn({ tasks: ids, provider: provider.slug, outcome: report.kind, code }, message);
  }

  async function turnAway(
    provider: Provider,
    tasks: readonly Task[],
    { failure, delayMs }: Extract<Permission, { ok: false }>,
  ): Promise<void> {
    await tell(tasks, ({ id: taskId, leaseToken: token }) => {
      return { kind: 'TURNED_AWAY', taskId, token, failure, delayMs };
    });
    await breaker.recall(provider);
  }

  async function tell(tasks: readonly Task[], reportOf: (task: Task) => Report): Promise<void> {
    await recordReports(
      domain,
      tasks.map((task) => ({ generationId: task.generationId, report: reportOf(task) })),
    );
  }

  function isBusy(provider: Provider): boolean {
    return (busyUntil.get(provider) ?? 0) > performance.now();
  }

  return {
    dispatch,
    busy: () => [...busyUntil.keys()].filter(isBusy).map(({ slug, mode }) => ({ provider: slug, mode })),
    stop() {
      isStopping = true;
    },
    roomFor: (provider, task) => batchLimit(limits, provider, task),
  };
}

function rulesOf({ models }: Provider, { request }: Task): ReferenceRules | null {
  return models.find(({ model }) => model === request.model)?.references ?? null;
}

function becomesBytes(provider: Provider, task: Task): boolean {
  return task.request.references.length > 0 && rulesOf(provider, task)?.form === 'DATA_URI';
}

interface Order {
  task: Task;
  /** As it is sent: references may have become bytes. */
  request: ProviderRequest;
}

interface Composed extends SentSubmission {
  awaitsCallback: boolean;
}
