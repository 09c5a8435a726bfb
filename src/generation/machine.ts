import type { StoredFacts } from '../asset/keep.ts';
import { newAssets, notThere, refreshed, settleAsset } from './collecting.ts';
import { deriveGeneration } from './derive.ts';
import { after, costAfter, type Draft, fail, failed, type Moment, move, released } from './draft.ts';
import { isFinal } from './moves.ts';
import { isNews, percentAfter } from './news.ts';
import type { PollReport, ReportedImage, SubmitReport, Trouble } from './provider.ts';
import { resubmitDelayMs } from './schedule.ts';
import {
  abandoned,
  canceledFree,
  canceledLate,
  neverAccepted,
  nothingDelivered,
  outcomeUnknown,
  tooLate,
} from './troubles.ts';
import type { Generation } from './types.ts';

/** Everything that can be said of a task. `token` is the lease of the worker that says it. */
export type Report =
  | { kind: 'SENDING'; taskId: string; token: number; submissionId: string }
  | { kind: 'SUBMITTED'; taskId: string; submissionId: string; report: SubmitReport }
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
  | { kind: 'DELAYED'; taskId: string; token: number; delayMs: number }
  /** With the lease where a worker says it of a task it holds. */
  | { kind: 'TIME_UP'; taskId: string; token?: number }
  | { kind: 'CANCEL'; taskId: string };

/** The generation after a report; the very same object when the report changes nothing. Pure but for new asset ids. */
export function applyReport(generation: Generation, report: Report, moment: Moment): Generation {
  const task = generation.tasks.find(({ id }) => id === report.taskId);
  if (!task) return generation;
  if ('token' in report && report.token !== undefined && report.token !== task.leaseToken) return generation;
  const draft = { task, assets: generation.assets, asked: generation.request.images };
  const changed = step(draft, report, moment);
  if (changed === draft) return generation;
  const tasks = generation.tasks.map((each) => (each.id === task.id ? changed.task : each));
  return deriveGeneration({ ...generation, tasks, assets: changed.assets }, moment.at);
}

function step(draft: Draft, report: Report, moment: Moment): Draft {
  switch (report.kind) {
    case 'SENDING':
      return move(draft, 'SUBMITTING', moment, { submissionId: report.submissionId, submittedAt: moment.at });
    case 'SUBMITTED':
      return report.submissionId === draft.task.submissionId ? submitted(draft, report.report, moment) : draft;
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
      if (isFinal(draft.task.status)) return draft;
      return { ...draft, task: { ...released(draft.task), nextAt: after(moment, report.delayMs) } };
    case 'TIME_UP':
      return timeUp(draft, moment);
    case 'CANCEL':
      return cancel(draft, moment);
  }
}

function submitted(draft: Draft, report: SubmitReport, moment: Moment): Draft {
  const { task } = draft;
  // Too late to change the end, but what was accepted must be findable at the provider.
  if (isFinal(task.status) && report.kind === 'ACCEPTED' && task.providerTaskId === null) {
    const cost = { ...task.cost, providerCredits: report.credits };
    return { ...draft, task: { ...task, providerTaskId: report.providerTaskId, acceptedAt: moment.at, cost } };
  }
  if (task.status !== 'SUBMITTING' && task.status !== 'UNCERTAIN') return draft;
  switch (report.kind) {
    case 'ACCEPTED':
      return move(draft, 'ACCEPTED', moment, {
        providerTaskId: report.providerTaskId,
        acceptedAt: moment.at,
        etaSeconds: report.etaSeconds,
        failure: null,
        tries: 0,
        cost: { ...task.cost, providerCredits: report.credits },
      });
    case 'REFUSED':
      return fail(draft, report.failure, moment);
    case 'NOT_NOW':
      return move(draft, 'QUEUED', moment, {
        submissionId: null,
        failure: failed(report.failure, moment),
        nextAt: after(moment, resubmitDelayMs(task.tries, report.retryAfterMs)),
      });
    case 'AMBIGUOUS':
      return uncertain(draft, report.failure, moment);
  }
}

function uncertain(draft: Draft, trouble: Trouble, moment: Moment): Draft {
  return move(draft, 'UNCERTAIN', moment, {
    failure: failed(trouble, moment),
    nextAt: after(moment, moment.uncertainHoldMs),
  });
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
      const percent = percentAfter(task.percent, report.percent);
      if (!isNews(task, report)) return draft;
      const seen = { percent, etaSeconds: report.etaSeconds, pollCount };
      if (task.status === 'RUNNING') return { ...draft, task: { ...task, ...seen } };
      return move(draft, 'RUNNING', moment, seen);
    }
    case 'FINISHED': {
      if (report.images.length === 0) return fail(draft, nothingDelivered, moment, { pollCount });
      const made = newAssets(draft, report.images, resultTtlSeconds, moment);
      const cost = report.credits === null ? task.cost : { ...task.cost, providerCredits: report.credits };
      const collecting = move(draft, 'COLLECTING', moment, {
        percent: 99,
        etaSeconds: null,
        pollCount,
        cost,
        tries: 0,
      });
      return { ...collecting, assets: [...draft.assets, ...made].sort((a, b) => a.index - b.index) };
    }
    case 'FAILED':
      if (report.failure.code === 'CANCELED') return cancel(draft, moment, report.failure);
      return fail(draft, report.failure, moment, { pollCount });
    case 'PENDING':
    case 'MISSING':
    case 'SILENT':
      return draft;
  }
}

/** The task ran out of time: its own deadline, or the hold of what may or may not have been accepted. */
function timeUp(draft: Draft, moment: Moment): Draft {
  const { task } = draft;
  const late = task.deadlineAt <= moment.at;
  switch (task.status) {
    case 'QUEUED':
      return late ? fail(draft, neverAccepted(task), moment) : draft;
    case 'UNCERTAIN':
      return late || task.nextAt <= moment.at ? fail(draft, outcomeUnknown, moment) : draft;
    case 'ACCEPTED':
    case 'RUNNING':
      return late ? fail(draft, tooLate, moment) : draft;
    default:
      return draft;
  }
}

function cancel(draft: Draft, moment: Moment, trouble?: Trouble): Draft {
  const free = draft.task.status === 'QUEUED';
  const failure = failed(trouble ?? (free ? canceledFree : canceledLate), moment);
  return move(draft, 'CANCELED', moment, { failure, cost: costAfter(draft.task.cost, failure) });
}
