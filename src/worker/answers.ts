import type { Domain } from '../generation/domain.ts';
import { insertExchanges, recordExchanges, type TaskExchange } from '../generation/exchanges.ts';
import { absolveTasks } from '../generation/lease.ts';
import { isNews } from '../generation/news.ts';
import { isOutage } from '../generation/outage.ts';
import type { PollReport } from '../generation/provider-report.ts';
import { type Entry, recordReports } from '../generation/record.ts';
import { resultTtlOf } from '../generation/result-ttl.ts';
import { pollDelayMs } from '../generation/schedule.ts';
import type { Generation } from '../generation/types.ts';
import type { Answer } from '../provider/provider.ts';
import { createBatchedWrites } from './batched-writes.ts';
import { withEstimate } from './estimate.ts';
import type { Held } from './held.ts';
import type { Identity } from './identity.ts';

/** Providers forget nothing at once, but their replicas may not know a task yet: this many 404 in a row are believed. */
const MISSING_UNTIL_LOST = 6;

/** In the place of an answer that could not be handled: past its deadline the task is given up for it, as for silence. */
const mishap: PollReport = {
  kind: 'SILENT',
  retryAfterMs: null,
  failure: {
    code: 'INTERNAL',
    message: 'The answer of the provider could not be handled.',
    billed: 'UNKNOWN',
    retryable: true,
    providerCode: null,
    providerMessage: null,
  },
};

interface Heard {
  held: Held;
  entry: Entry;
  exchange: TaskExchange | null;
}

/**
 * What is done with an answer about a task: its news is written, together with that of others. Without an answer it is as
 * if the provider had said nothing. Answers how long the task may be left alone, in milliseconds; whatever goes wrong is
 * about this one task. `onGone` is called when it is not this worker's any more.
 */
export function createAnswerHandler(
  domain: Domain,
  identity: Identity,
  onGone: (held: Held) => void,
): (held: Held, answer: Answer<PollReport> | undefined) => Promise<number> {
  const heard = createBatchedWrites<Heard>(write);
  const suspects = createBatchedWrites<Held>(absolve);
  const oddities = createBatchedWrites<TaskExchange>((exchanges) => recordExchanges(domain, exchanges));

  async function hear(held: Held, answer: Answer<PollReport> | undefined): Promise<number> {
    try {
      return await handle(held, answer);
    } catch (error) {
      domain.log.error({ err: error, task: held.task.id, provider: held.provider.slug }, 'a poll failed');
      if (answer && !isOutage(error)) return hear(held, undefined);
      return pollDelayMs(held.provider.pollSchedule, held.age(Math.max(held.silences, 1), null));
    }
  }

  async function handle(held: Held, answer: Answer<PollReport> | undefined): Promise<number> {
    if (answer) domain.reach?.('poll:answered');
    const report = held.hear(answer?.report ?? mishap, MISSING_UNTIL_LOST);
    const { provider } = held;
    const standing = held.mayBeEstimated(report) ? domain.standingOf?.(provider.slug, provider.mode) : undefined;
    const entry = entryOf(held, withEstimate(report, held.ageMs(), standing));
    const exchange = answer ? exchangeOf(held, answer) : null;
    if (answer && held.isOdd(answer.exchange.error)) {
      const { error: odd } = answer.exchange;
      domain.log.warn({ task: held.task.id, provider: held.provider.slug, odd }, 'an odd answer to a poll');
      if (!entry && exchange) await oddities.add(exchange);
    }
    if (entry) await heard.add({ held, entry, exchange });
    if (answer && held.isSuspect) await suspects.add(held);
    const retryAfterMs = report.kind === 'SILENT' ? report.retryAfterMs : null;
    return pollDelayMs(held.provider.pollSchedule, held.age(held.silences, retryAfterMs));
  }

  async function write(all: Heard[]): Promise<void> {
    const entries = all.map(({ entry }) => entry);
    const generations = await recordReports(domain, entries, {
      // Whoever lost the lease writes nothing at all.
      also: async (tx, after) => {
        const tokens = tokensOf(after);
        const mine = all.filter(({ held }) => tokens.get(held.task.id) === held.task.leaseToken);
        await insertExchanges(
          tx,
          mine.flatMap(({ exchange }) => exchange ?? []),
        );
      },
    });
    domain.reach?.('poll:written');
    const tasks = new Map(generations.flatMap((generation) => generation.tasks.map((task) => [task.id, task])));
    for (const { held } of all) {
      const task = tasks.get(held.task.id);
      if (task?.workerId === identity.id && task.leaseToken === held.task.leaseToken) held.task = task;
      else onGone(held);
    }
  }

  async function absolve(all: Held[]): Promise<void> {
    const ids = all.map(({ task }) => task.id);
    await absolveTasks(domain, identity.id, ids);
    for (const held of all) held.task = { ...held.task, tries: 0 };
  }

  return hear;
}

/** What there is to write about a task after a poll: that its time is up, or its news; null where nothing is new. */
function entryOf(held: Held, report: PollReport): Entry | null {
  const { task, pollCount, provider } = held;
  const { id: taskId, leaseToken: token, generationId } = task;
  if (held.isTooLate(report)) {
    const there = report.kind === 'RUNNING' && report.images ? { images: report.images } : {};
    return { generationId, report: { kind: 'TIME_UP', taskId, token, ...there } };
  }
  if (!isNews(task, report)) return null;
  const resultTtlSeconds = resultTtlOf(provider.models, task.request);
  return { generationId, report: { kind: 'POLLED', taskId, token, pollCount, report, resultTtlSeconds } };
}

function exchangeOf({ task }: Held, { exchange }: Answer<PollReport>): TaskExchange {
  return { workspaceId: task.workspaceId, taskId: task.id, exchange };
}

function tokensOf(generations: Generation[]): Map<string, number> {
  return new Map(generations.flatMap(({ tasks }) => tasks.map(({ id, leaseToken }) => [id, leaseToken])));
}
