import { newId } from '../db/id.ts';
import { deriveGeneration } from './derive.ts';
import { isFinal, TASK_MOVES } from './moves.ts';
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
import type { Asset, Cost, Failure, Generation, Task, TaskStatus } from './types.ts';

/** What was measured of an image once its bytes were safe. */
export interface StoredFacts {
  storageKey: string;
  mimeType: string;
  byteSize: number;
  width: number;
  height: number;
  sha256: string;
  thumbhash: string;
}

/** Everything that can be said of a task. `token` is the lease of the worker that says it. */
export type Report =
  | { kind: 'SENDING'; taskId: string; token: number; submissionId: string }
  | { kind: 'SUBMITTED'; taskId: string; submissionId: string; report: SubmitReport }
  | { kind: 'ABANDONED'; taskId: string }
  | { kind: 'POLLED'; taskId: string; token: number; pollCount: number; report: PollReport; resultTtlSeconds: number }
  | { kind: 'STORED'; taskId: string; token: number; assetId: string; facts: StoredFacts }
  | { kind: 'LOST'; taskId: string; token: number; assetId: string; failure: Trouble }
  | { kind: 'REFRESHED'; taskId: string; token: number; images: ReportedImage[]; resultTtlSeconds: number }
  | { kind: 'DELAYED'; taskId: string; token: number; delayMs: number }
  | { kind: 'TIME_UP'; taskId: string }
  | { kind: 'CANCEL'; taskId: string };

export interface Moment {
  at: Date;
  uncertainHoldMs: number;
}

/** A result list longer than this is nonsense, and is cut. */
const MOST_IMAGES_OF_A_TASK = 40;

/** The generation after a report; the very same object when the report changes nothing. Pure but for new asset ids. */
export function applyReport(generation: Generation, report: Report, moment: Moment): Generation {
  const task = generation.tasks.find(({ id }) => id === report.taskId);
  if (!task) return generation;
  if ('token' in report && report.token !== task.leaseToken) return generation;
  const draft = { task, assets: generation.assets, asked: generation.request.images };
  const changed = step(draft, report, moment);
  if (changed === draft) return generation;
  const tasks = generation.tasks.map((each) => (each.id === task.id ? changed.task : each));
  return deriveGeneration({ ...generation, tasks, assets: changed.assets }, moment.at);
}

/** One task and the assets of its generation: what a report may change. */
interface Draft {
  task: Task;
  assets: Asset[];
  /** How many images the generation asked for: its slots before those of extra images. */
  asked: number;
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
    case 'REFRESHED':
      return refreshed(draft, report.images, report.resultTtlSeconds, moment);
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
  if (task.status === 'CANCELED' && report.kind === 'ACCEPTED' && task.providerTaskId === null) {
    return { ...draft, task: { ...task, providerTaskId: report.providerTaskId, acceptedAt: moment.at } };
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
      const percent =
        report.percent === null ? task.percent : Math.max(task.percent ?? 0, Math.min(report.percent, 99));
      if (task.status === 'RUNNING' && percent === task.percent) return draft;
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

/** Slots are filled in order; what came beyond those asked for takes the next free numbers. */
function newAssets(
  { task, assets, asked }: Draft,
  images: ReportedImage[],
  ttlSeconds: number,
  moment: Moment,
): Asset[] {
  let extra = Math.max(asked, ...assets.map(({ index }) => index + 1));
  return images.slice(0, MOST_IMAGES_OF_A_TASK).map((image, position) => {
    const index = position < task.imageCount ? task.firstSlot + position : extra++;
    return {
      workspaceId: task.workspaceId,
      id: newId('ast'),
      generationId: task.generationId,
      taskId: task.id,
      index,
      state: 'PENDING',
      providerUrl: image.url,
      providerUrlExpiresAt: after(moment, ttlSeconds * 1000),
      seed: image.seed,
      storageKey: null,
      thumbhash: null,
      width: null,
      height: null,
      mimeType: null,
      byteSize: null,
      sha256: null,
      failure: null,
      refreshes: 0,
      createdAt: moment.at,
      deletedAt: null,
    };
  });
}

function refreshed(draft: Draft, images: ReportedImage[], ttlSeconds: number, moment: Moment): Draft {
  if (draft.task.status !== 'COLLECTING') return draft;
  const mine = draft.assets.filter(({ taskId }) => taskId === draft.task.id);
  const fresh = new Map(mine.map((asset, position) => [asset.id, images[position]?.url]));
  const assets = draft.assets.map((asset) => {
    const providerUrl = fresh.get(asset.id);
    if (!providerUrl || asset.state !== 'PENDING') return asset;
    const refreshes = asset.refreshes + 1;
    return { ...asset, providerUrl, providerUrlExpiresAt: after(moment, ttlSeconds * 1000), refreshes };
  });
  return { ...draft, assets };
}

function settleAsset(draft: Draft, assetId: string, facts: Partial<Asset>, moment: Moment): Draft {
  const asset = draft.assets.find(({ id, taskId }) => id === assetId && taskId === draft.task.id);
  if (draft.task.status !== 'COLLECTING' || asset?.state !== 'PENDING') return draft;
  const assets = draft.assets.map((each) => (each.id === assetId ? { ...each, ...facts } : each));
  return finishCollecting({ ...draft, assets }, moment);
}

function finishCollecting(draft: Draft, moment: Moment): Draft {
  const mine = draft.assets.filter(({ taskId }) => taskId === draft.task.id);
  if (mine.some(({ state }) => state === 'PENDING')) return draft;
  const stored = mine.filter(({ state }) => state === 'STORED').length;
  if (stored === 0) {
    const first = mine.find(({ failure }) => failure !== null)?.failure;
    return fail(draft, first ?? nothingDelivered, moment);
  }
  const complete = stored === mine.length && stored >= draft.task.imageCount;
  const cost: Cost = { ...draft.task.cost, basis: 'UNKNOWN' };
  return move(draft, complete ? 'SUCCEEDED' : 'PARTIALLY_SUCCEEDED', moment, { percent: 100, cost });
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
  return move(draft, 'CANCELED', moment, { failure, cost: settle(draft.task.cost, failure) });
}

function fail(draft: Draft, trouble: Trouble, moment: Moment, more: Partial<Task> = {}): Draft {
  const failure = failed(trouble, moment);
  return move(draft, 'FAILED', moment, { ...more, failure, cost: settle(draft.task.cost, failure) });
}

/** Every change of status goes through here; a forbidden one changes nothing. */
function move(draft: Draft, status: TaskStatus, moment: Moment, facts: Partial<Task>): Draft {
  if (!TASK_MOVES[draft.task.status].includes(status)) return draft;
  const working = status === 'SUBMITTING' || status === 'RUNNING';
  const task = { ...(working ? draft.task : released(draft.task)), nextAt: moment.at, ...facts, status };
  if (isFinal(status)) task.finishedAt = moment.at;
  return { ...draft, task };
}

function released(task: Task): Task {
  return { ...task, workerId: null };
}

function settle(cost: Cost, failure: Failure): Cost {
  return { ...cost, basis: failure.billed === 'NO' ? 'REFUNDED' : 'UNKNOWN' };
}

function failed(trouble: Trouble, moment: Moment): Failure {
  const { code, message, billed, retryable, providerCode, providerMessage } = trouble;
  return { code, message, billed, retryable, providerCode, providerMessage, at: moment.at.toISOString() };
}

function after(moment: Moment, ms: number): Date {
  return new Date(moment.at.getTime() + ms);
}
