import Big from 'big.js';
import type { StoredFacts } from '../asset/keep.ts';
import {
  arrived,
  collectAll,
  inOrder,
  loseExpired,
  newAssets,
  notThere,
  refreshed,
  settleAsset,
} from './collecting.ts';
import { restOf } from './cost.ts';
import { deriveGeneration, isSupersededIn } from './derive.ts';
import { after, costAfter, type Draft, fail, failed, type Moment, move, released } from './draft.ts';
import { keepPictures, partly, resolved, settled } from './late.ts';
import { isFinal } from './moves.ts';
import { isNews, progressAfter } from './news.ts';
import type { PollReport, RecoverReport, ReportedImage, SubmitReport, Trouble } from './provider.ts';
import { isSettling, over, settleFrom } from './settling.ts';
import { found, goElsewhere, holdEnded, mayBeFound, submitted, uncertain } from './submitting.ts';
import { abandoned, canceledFree, canceledLate, neverAccepted, tooLate } from './troubles.ts';
import type { Adjustment, Generation, Task } from './types.ts';

/** Everything that can be said of a task. `token` is the lease of the worker that says it. */
export type Report =
  | {
      kind: 'SENDING';
      taskId: string;
      token: number;
      submissionId: string;
      /** In a batch. */
      place?: number;
      awaitsCallback?: boolean;
    }
  /** What has come so far of a submission that is answered with the images themselves. */
  | { kind: 'ARRIVED'; taskId: string; submissionId: string; images: ReportedImage[] }
  /** How far such a submission is by all experience, in percent. */
  | { kind: 'ESTIMATED'; taskId: string; submissionId: string; percent: number }
  /** `alone`: of a batch that was refused, perhaps for another of its tasks. */
  | { kind: 'SUBMITTED'; taskId: string; submissionId: string; report: SubmitReport; alone?: boolean }
  /** It cannot be sent to its provider just now, for a reason that is not its own. */
  | { kind: 'TURNED_AWAY'; taskId: string; token: number; failure: Trouble; delayMs: number }
  /** It can be sent to nobody: a reference is not what it should be. */
  | { kind: 'UNFIT'; taskId: string; token: number; failure: Trouble }
  /** What was found out about a submission whose answer was lost. */
  | { kind: 'RECOVERED'; taskId: string; submissionId: string; report: Extract<RecoverReport, SubmitReport> }
  | { kind: 'ABANDONED'; taskId: string }
  | { kind: 'POLLED'; taskId: string; token: number; pollCount: number; report: PollReport; resultTtlSeconds: number }
  | { kind: 'STORED'; taskId: string; token: number; assetId: string; facts: StoredFacts }
  | { kind: 'LOST'; taskId: string; token: number; assetId: string; failure: Trouble }
  /** Where an image should be there was none: its URL has died, or serves something else. */
  | { kind: 'NOT_THERE'; taskId: string; token: number; assetId: string }
  | {
      kind: 'REFRESHED';
      taskId: string;
      token: number;
      images: ReportedImage[];
      staleIds: readonly string[];
      resultTtlSeconds: number;
    }
  /** `blameless`: what stood in the way was not the task's fault, and the try does not count. */
  | { kind: 'DELAYED'; taskId: string; token: number; delayMs: number; blameless?: boolean }
  /** With the lease where a worker says it of a task it holds; `images` are there already, before others. */
  | { kind: 'TIME_UP'; taskId: string; token?: number; images?: ReportedImage[] }
  | { kind: 'CANCEL'; taskId: string }
  /** Of a task that was over before its provider was done. */
  | { kind: 'SETTLED'; taskId: string; token: number; report: PollReport; resultTtlSeconds: number }
  /** By an operator. */
  | { kind: 'RESOLVED'; taskId: string; billed: boolean };

/** The generation after a report; the very same object when the report changes nothing. Pure but for new ids. */
export function applyReport(generation: Generation, report: Report, moment: Moment): Generation {
  const task = generation.tasks.find(({ id }) => id === report.taskId);
  if (!task) return generation;
  if ('token' in report && report.token !== undefined && report.token !== task.leaseToken) return generation;
  const draft = draftOf(generation, task, moment);
  const changed = keepPictures(step(draft, report, moment), moment);
  if (changed === draft) return generation;
  const updated = generation.tasks.map((each) => (each.id === task.id ? changed.task : each));
  const tasks = [...updated, ...changed.successors];
  const adjustments = merge(generation.adjustments, changed.adjustments);
  return deriveGeneration({ ...generation, tasks, adjustments, assets: changed.assets }, moment.at);
}

function draftOf(generation: Generation, task: Task, moment: Moment): Draft {
  const { assets, request, routing } = generation;
  const isSuperseded = isSupersededIn(generation, task);
  const mayGoElsewhere = routing.onFailure !== 'FAIL' && !isSuperseded;
  return {
    task,
    assets,
    asked: request.images,
    onUncertain: mayPayAgain(generation, task) ? routing.onUncertain : 'WAIT',
    isSuperseded,
    fallbackFor: (why) => (mayGoElsewhere ? moment.fallbackOf(generation, task, why) : null),
    successors: [],
    adjustments: [],
  };
}

/** Another attempt is within the limit of cost with all others counted, this one too. */
function mayPayAgain({ routing: { maxCost }, tasks }: Generation, { cost: { reserved } }: Task): boolean {
  if (!maxCost) return true;
  const rest = restOf(maxCost, tasks);
  return rest !== null && reserved !== null && new Big(rest.amount).gte(reserved.amount);
}

/** What was changed for the providers that were asked, each change once. */
function merge(known: Adjustment[], more: readonly Adjustment[]): Adjustment[] {
  const seen = new Set(known.map((each) => JSON.stringify(each)));
  const fresh = more.filter((each) => !seen.has(JSON.stringify(each)));
  return fresh.length === 0 ? known : [...known, ...fresh];
}

function step(draft: Draft, report: Report, moment: Moment): Draft {
  switch (report.kind) {
    case 'SENDING':
      // Nothing is bought for an order that is over.
      if (draft.task.status === 'QUEUED' && draft.task.deadlineAt <= moment.at) return timeUp(draft, moment);
      return move(draft, 'SUBMITTING', moment, {
        submissionId: report.submissionId,
        place: report.place ?? null,
        awaitsCallback: report.awaitsCallback ?? false,
        submittedAt: moment.at,
      });
    case 'ARRIVED':
      return report.submissionId === draft.task.submissionId ? partly(draft, report.images, moment) : draft;
    case 'SUBMITTED':
      if (report.submissionId !== draft.task.submissionId) return draft;
      return submitted(draft, report.report, moment, report.alone);
    case 'ESTIMATED':
      return report.submissionId === draft.task.submissionId ? estimated(draft, report.percent) : draft;
    case 'TURNED_AWAY':
      return turnedAway(draft, report, moment);
    case 'UNFIT':
      return unfit(draft, report.failure, moment);
    case 'RECOVERED':
      return report.submissionId === draft.task.submissionId ? found(draft, report.report, moment) : draft;
    case 'ABANDONED':
      return draft.task.status === 'SUBMITTING' ? uncertain(draft, abandoned, moment) : draft;
    case 'POLLED':
      return polled(draft, report.report, report, moment);
    case 'NOT_THERE':
      return notThere(draft, report.assetId);
    case 'REFRESHED':
      return refreshed(draft, report, moment);
    case 'STORED':
      return settleAsset(draft, report.assetId, { state: 'STORED', ...report.facts }, moment);
    case 'LOST':
      return settleAsset(draft, report.assetId, { state: 'LOST', failure: failed(report.failure, moment) }, moment);
    case 'DELAYED':
      return delayed(draft, report, moment);
    case 'TIME_UP':
      return timeUp(draft, moment, report.images);
    case 'CANCEL':
      return cancel(draft, moment);
    case 'SETTLED':
      return settled(draft, report.report, moment);
    case 'RESOLVED':
      return resolved(draft, report.billed, moment);
  }
}

/** What the provider itself has told counts more. */
function estimated(draft: Draft, estimate: number): Draft {
  const { task } = draft;
  const progress = progressAfter(task, estimate, 'ESTIMATED');
  if (task.status !== 'SUBMITTING' || progress === task) return draft;
  return { ...draft, task: { ...task, ...progress } };
}

function polled(
  draft: Draft,
  report: PollReport,
  { pollCount, resultTtlSeconds }: { pollCount: number; resultTtlSeconds: number },
  moment: Moment,
): Draft {
  const { task } = draft;
  if (task.status !== 'ACCEPTED' && task.status !== 'RUNNING') return draft;
  switch (report.kind) {
    case 'RUNNING': {
      if (!isNews(task, report)) return draft;
      const { percent, progressBasis } = progressAfter(task, report.percent, report.basis);
      const seen = { percent, progressBasis, etaSeconds: report.etaSeconds, pollCount };
      if (task.status === 'RUNNING') return { ...draft, task: { ...task, ...seen } };
      return move(draft, 'RUNNING', moment, seen);
    }
    case 'FINISHED': {
      const made = newAssets(draft, report.images, resultTtlSeconds, moment);
      return collectAll({ ...draft, assets: inOrder([...draft.assets, ...made]) }, report, moment, { pollCount });
    }
    case 'FAILED':
      if (report.failure.code === 'CANCELED') return cancel(draft, moment, report.failure);
      // That it knows nothing of the task is not its word on it.
      if (report.failure.code === 'PROVIDER_LOST') {
        return fail(draft, report.failure, moment, { pollCount, ...settleFrom(moment) });
      }
      return fail(draft, report.failure, moment, { pollCount });
    case 'PENDING': {
      if (!isNews(task, report)) return draft;
      const { percent, progressBasis } = progressAfter(task, report.percent ?? null, 'ESTIMATED');
      return { ...draft, task: { ...task, percent, progressBasis, etaSeconds: report.etaSeconds, pollCount } };
    }
    case 'MISSING':
    case 'SILENT':
      return draft;
  }
}

/**
 * The task ran out of time: its own deadline, the hold of what may or may not have been accepted, or the life of URLs.
 * What a provider has is asked about further on: a late picture is kept.
 */
function timeUp(draft: Draft, moment: Moment, images: ReportedImage[] = []): Draft {
  const { task } = draft;
  const late = task.deadlineAt <= moment.at;
  switch (task.status) {
    case 'QUEUED':
      return late ? fail(draft, neverAccepted(task), moment) : draft;
    case 'UNCERTAIN':
      return late || (task.holdUntil ?? task.nextAt) <= moment.at ? holdEnded(draft, moment) : draft;
    case 'ACCEPTED':
    case 'RUNNING':
      return late ? fail(arrived(draft, images, moment), tooLate, moment, settleFrom(moment)) : draft;
    case 'SUBMITTING':
      return draft;
    default:
      return settlingEnded(loseExpired(draft, moment), moment);
  }
}

function delayed(
  draft: Draft,
  { delayMs, blameless }: { delayMs: number; blameless?: boolean },
  moment: Moment,
): Draft {
  const { task, assets } = draft;
  // It went out of the worker's hand meanwhile: what a callback adopted is not put off.
  if (task.workerId === null) return draft;
  if (isFinal(task.status) && !isSettling(task)) return draft;
  const nextAt = after(moment, delayMs);
  const tries = blameless ? Math.max(task.tries - 1, 0) : task.tries;
  const waits = assets.some(({ taskId, state }) => taskId === task.id && state === 'PENDING');
  const given = task.settleUntil !== null && task.settleUntil <= nextAt && !waits;
  return { ...draft, task: { ...released(task), nextAt, tries, settleUntil: given ? null : task.settleUntil } };
}

/** What one provider does not take another may; what cannot be fetched is no better there. */
function unfit(draft: Draft, failure: Trouble, moment: Moment): Draft {
  if (draft.task.status !== 'QUEUED') return draft;
  const elsewhere = failure.retryable ? null : goElsewhere(draft, failure, moment);
  return elsewhere ?? fail(draft, failure, moment);
}

/** Another provider makes it, or it waits: the reason stands on it, should its deadline pass meanwhile. */
function turnedAway(draft: Draft, { failure, delayMs }: { failure: Trouble; delayMs: number }, moment: Moment): Draft {
  if (draft.task.status !== 'QUEUED' || draft.task.workerId === null) return draft;
  const elsewhere = goElsewhere(draft, failure, moment);
  if (elsewhere) return elsewhere;
  const waiting = delayed(draft, { delayMs, blameless: true }, moment);
  return { ...waiting, task: { ...waiting.task, failure: failed(failure, moment) } };
}

/** Of what no worker survived asking about: its day is over. */
function settlingEnded(draft: Draft, moment: Moment): Draft {
  const { task, assets } = draft;
  const waits = assets.some(({ taskId, state }) => taskId === task.id && state === 'PENDING');
  return task.settleUntil !== null && task.settleUntil <= moment.at && !waits ? over(draft) : draft;
}

/** By its caller, or by the provider, whose word on it is then the last. */
function cancel(draft: Draft, moment: Moment, byProvider?: Trouble): Draft {
  const { task } = draft;
  const failure = failed(byProvider ?? (task.status === 'QUEUED' ? canceledFree : canceledLate), moment);
  const open = !byProvider && (task.providerTaskId !== null || mayBeFound(draft, moment));
  const facts = { failure, cost: costAfter(task.cost, failure), ...(open && settleFrom(moment)) };
  return move(draft, 'CANCELED', moment, facts);
}
