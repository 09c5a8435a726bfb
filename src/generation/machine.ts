import Big from 'big.js';
import { notThere, refreshed, settleAsset } from './collecting.ts';
import { restOf } from './cost.ts';
import { deriveGeneration, isSupersededIn } from './derive.ts';
import { type Draft, failed, type Moment, move } from './draft.ts';
import { cancel, timeUp } from './ending.ts';
import { keepPictures, partly, resolved, settled } from './late.ts';
import { estimated, polled } from './polling.ts';
import type { Report } from './report.ts';
import { found, submitted, uncertain } from './submitting.ts';
import { abandoned } from './troubles.ts';
import type { Adjustment, Generation, Task } from './types.ts';
import { delayed, turnedAway, unfit } from './waiting.ts';

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
