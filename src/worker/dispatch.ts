import type { GuardedFetch } from '../fetch/guarded-fetch.ts';
import type { Domain } from '../generation/domain.ts';
import { putTasksBack } from '../generation/lease.ts';
import type { SubmitReport } from '../generation/provider-report.ts';
import type { Task } from '../generation/types.ts';
import type { Provider } from '../provider/provider.ts';
import type { Breaker } from './breaker.ts';
import { createBusy } from './busy.ts';
import { AFTER_A_FAILURE, delayTasks, UNCONFIGURED } from './delay.ts';
import { turnAway } from './give-back.ts';
import { batchLimit } from './limits.ts';
import { createPreparer } from './prepare.ts';
import { findProvider, type Providers } from './providers.ts';
import { type SendParts, sendOrders } from './send.ts';

export interface DispatchParts extends Omit<SendParts, 'busy'> {
  providers: Providers;
  fetch: GuardedFetch;
  breaker: Breaker;
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

/** Not all at once: of a host that never answers they come again until their deadline. */
const noRoom = () => ({ delayMs: 3_000 + Math.random() * 9_000, blameless: true });

/** Decides whether anything may leave: it is configured, has a turn, and is well. What may leave is prepared and sent. */
export function createDispatcher(domain: Domain, { providers, fetch, breaker, ...parts }: DispatchParts): Dispatcher {
  const busy = createBusy();
  const preparer = createPreparer(domain, fetch);
  let isStopping = false;

  async function dispatch(tasks: readonly Task[], signal: AbortSignal): Promise<void> {
    try {
      const [first] = tasks;
      const provider = first && findProvider(providers, first);
      if (!provider) return await delayTasks(domain, tasks, UNCONFIGURED);
      if (!preparer.hasRoom(tasks)) return await delayTasks(domain, tasks, noRoom());
      await preparer.inTurn(provider, tasks, () => attempt(provider, tasks, signal));
    } catch (error) {
      domain.log.error({ err: error, tasks: tasks.map(({ id }) => id) }, 'tasks could not be submitted');
      await delayTasks(domain, tasks, AFTER_A_FAILURE).catch(() => {});
    }
  }

  async function attempt(provider: Provider, tasks: readonly Task[], signal: AbortSignal): Promise<void> {
    // Before anything is fetched for it.
    if (isStopping || busy.has(provider)) return putTasksBack(domain, tasks);
    const may = await breaker.mayTry(provider);
    if (!may.ok) return turnAway(domain, tasks, may);
    await tryAt(provider, tasks, may.trial, signal);
  }

  /** Whatever stood in the way: a trial that was not made is for another. */
  async function tryAt(
    provider: Provider,
    tasks: readonly Task[],
    trial: string | null,
    signal: AbortSignal,
  ): Promise<void> {
    let report: SubmitReport | null = null;
    try {
      const orders = await preparer.prepare(provider, tasks, signal);
      report = orders.length > 0 ? await sendOrders(domain, { ...parts, busy }, provider, orders, signal) : null;
    } finally {
      await (report ? breaker.heard(provider, report, trial) : breaker.notTried(provider, trial));
    }
  }

  return {
    dispatch,
    busy: busy.list,
    stop() {
      isStopping = true;
    },
    roomFor: (provider, task) => batchLimit(parts.limits, provider, task),
  };
}
