import { setMaxListeners } from 'node:events';
import { claimTasks } from '../generation/claim.ts';
import type { Domain } from '../generation/domain.ts';
import { recordExchanges, type TaskExchange } from '../generation/exchanges.ts';
import { isNews } from '../generation/news.ts';
import type { PollReport } from '../generation/provider.ts';
import { type Entry, recordReports } from '../generation/record.ts';
import { pollDelayMs } from '../generation/schedule.ts';
import type { Task } from '../generation/types.ts';
import type { Answer, Provider } from '../provider/provider.ts';
import { createBatches } from './batch.ts';
import { Held } from './held.ts';
import type { Holder, Identity } from './identity.ts';
import { createLoop, type Loop } from './loop.ts';
import { findProvider, type Providers, resultTtlOf } from './providers.ts';

const MOST_HELD = 5_000;
const MOST_A_CLAIM = 500;
const UNCONFIGURED_MS = 30_000;
/** How long past its deadline a task waits for its provider to be configured again: as long as results live. */
const UNCONFIGURED_GRACE_MS = 24 * 3_600_000;
const MOST_REQUESTS_AT_ONCE = 32;
const IDLE_MS = 1_000;
/** Polls that fall due within it go out together. */
const LEAST_NAP_MS = 20;
/** Providers forget nothing at once, but their replicas may not know a task yet: this many 404 in a row are believed. */
const MISSING_UNTIL_LOST = 6;

export interface Poller extends Loop, Holder {
  /** The tasks in hand at this moment. */
  list(): string[];
  /** Puts tasks out of hand: they went to others, or are over. */
  forget(ids: readonly string[]): void;
}

/**
 * Asks providers about the tasks they accepted. It holds their leases and keeps their schedule in memory, so that a
 * poll without news writes nothing; what it held is polled on by whoever takes over.
 */
export function createPoller(domain: Domain, providers: Providers, identity: Identity): Poller {
  const held = new Map<string, Held>();
  const asking = new Set<Promise<void>>();
  const stopping = new AbortController();
  // One for each request under way.
  setMaxListeners(0, stopping.signal);
  const batches = createBatches<{ held: Held; entry: Entry; exchange: TaskExchange }>(write);
  let claimedAt = 0;
  let hinted = true;

  async function tick(): Promise<number> {
    if (hinted || Date.now() - claimedAt > IDLE_MS) await claim();
    const due = [...held.values()].filter((each) => each.isDue());
    for (const request of requestsFor(due).slice(0, MOST_REQUESTS_AT_ONCE - asking.size)) {
      for (const each of request.held) each.asked();
      const run = ask(request).finally(() => {
        asking.delete(run);
        loop.wake();
      });
      asking.add(run);
    }
    // Each request that ends wakes the loop.
    if (asking.size >= MOST_REQUESTS_AT_ONCE) return IDLE_MS;
    return Math.max(LEAST_NAP_MS, Math.min(IDLE_MS, ...[...held.values()].map((each) => each.dueInMs())));
  }

  async function claim(): Promise<void> {
    hinted = false;
    claimedAt = Date.now();
    for (let claimed = MOST_A_CLAIM; claimed === MOST_A_CLAIM; ) {
      const limit = Math.min(MOST_HELD - held.size, MOST_A_CLAIM);
      const tasks = await claimTasks(domain, { workerId: identity.id, statuses: ['ACCEPTED', 'RUNNING'], limit });
      claimed = tasks.length;
      await Promise.all(tasks.map(take));
    }
  }

  async function take(task: Task): Promise<void> {
    const provider = findProvider(providers, task);
    if (provider && task.providerTaskId !== null) {
      held.set(task.id, new Held(task, task.providerTaskId, provider));
      return;
    }
    domain.log.warn({ task: task.id, provider: task.provider }, 'its provider is no longer configured');
    const { id: taskId, generationId, leaseToken: token } = task;
    const delayed = { kind: 'DELAYED' as const, taskId, token, delayMs: UNCONFIGURED_MS };
    const isOver = Date.now() > task.deadlineAt.getTime() + UNCONFIGURED_GRACE_MS;
    const given = isOver ? [{ kind: 'TIME_UP' as const, taskId, token }] : [];
    await recordReports(
      domain,
      [delayed, ...given].map((report) => ({ generationId, report })),
    );
  }

  function requestsFor(due: Held[]): { provider: Provider; held: Held[] }[] {
    const requests: { provider: Provider; held: Held[] }[] = [];
    for (const provider of new Set(due.map((each) => each.provider))) {
      const mine = due.filter((each) => each.provider === provider);
      for (let i = 0; i < mine.length; i += provider.pollBatch) {
        requests.push({ provider, held: mine.slice(i, i + provider.pollBatch) });
      }
    }
    return requests;
  }

  async function ask({ provider, held: group }: { provider: Provider; held: Held[] }): Promise<void> {
    try {
      const ids = group.map(({ providerTaskId }) => providerTaskId);
      const answers = await provider.ask(ids, stopping.signal);
      await Promise.all(group.map((each, i) => hear(each, answers[i])));
    } catch (error) {
      if (!stopping.signal.aborted) domain.log.error({ err: error, provider: provider.slug }, 'a poll failed');
      for (const each of group) each.schedule(pollDelayMs(each.provider.pollSchedule, each.age(1, null)));
    }
  }

  async function hear(each: Held, answer: Answer<PollReport> | undefined): Promise<void> {
    if (!answer || held.get(each.task.id) !== each) return;
    // Broken off by us, which says nothing about the provider.
    if (stopping.signal.aborted && answer.report.kind === 'SILENT') return;
    const { task, provider } = each;
    domain.reach?.('poll:answered');
    const report = each.hear(answer.report, MISSING_UNTIL_LOST);
    const exchange = { workspaceId: task.workspaceId, taskId: task.id, exchange: answer.exchange };
    if (each.isOdd(answer.exchange.error)) {
      domain.log.warn(
        { task: task.id, provider: provider.slug, odd: answer.exchange.error },
        'an odd answer to a poll',
      );
      if (!isNews(task, report)) await recordExchanges(domain, [exchange]);
    }
    if (each.isTooLate(report)) {
      const report = { kind: 'TIME_UP' as const, taskId: task.id, token: task.leaseToken };
      const entry: Entry = { generationId: task.generationId, report };
      await batches.add({ held: each, entry, exchange });
    } else if (isNews(task, report)) {
      const about = { taskId: task.id, token: task.leaseToken, pollCount: each.pollCount };
      const resultTtlSeconds = resultTtlOf(provider, task);
      const entry: Entry = {
        generationId: task.generationId,
        report: { kind: 'POLLED', ...about, report, resultTtlSeconds },
      };
      await batches.add({ held: each, entry, exchange });
    }
    const retryAfterMs = report.kind === 'SILENT' ? report.retryAfterMs : null;
    each.schedule(pollDelayMs(provider.pollSchedule, each.age(each.silences, retryAfterMs)));
  }

  async function write(results: { held: Held; entry: Entry; exchange: TaskExchange }[]): Promise<void> {
    const generations = await recordReports(
      domain,
      results.map(({ entry }) => entry),
      { exchanges: results.map(({ exchange }) => exchange) },
    );
    domain.reach?.('poll:written');
    const tasks = new Map(generations.flatMap((generation) => generation.tasks.map((task) => [task.id, task])));
    for (const result of results) {
      const task = tasks.get(result.held.task.id);
      if (task?.workerId === identity.id && task.leaseToken === result.held.task.leaseToken) result.held.task = task;
      else if (held.get(result.held.task.id) === result.held) held.delete(result.held.task.id);
    }
  }

  const loop = createLoop({ name: 'poll', tick, log: domain.log, observer: domain.observer });
  return {
    ...loop,
    wake() {
      hinted = true;
      loop.wake();
    },
    holds: (taskId) => held.has(taskId),
    list: () => [...held.keys()],
    forget(ids) {
      for (const id of ids) held.delete(id);
    },
    async stop() {
      stopping.abort();
      await loop.stop();
      await Promise.all(asking);
    },
  };
}
