import { arrived, loseExpired } from './collecting.ts';
import { costAfter, type Draft, fail, failed, type Moment, move } from './draft.ts';
import type { Trouble } from './failure-code.ts';
import type { ReportedImage } from './provider-report.ts';
import { over, settleFrom } from './settling.ts';
import { holdEnded, mayBeFound } from './submitting.ts';
import { canceledFree, canceledLate, neverAccepted, tooLate } from './troubles.ts';

/**
 * The task ran out of time: its own deadline, the hold of what may or may not have been accepted, or the life of URLs.
 * What a provider has is asked about further on: a late picture is kept.
 */
export function timeUp(draft: Draft, moment: Moment, images: ReportedImage[] = []): Draft {
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

/** Of what no worker survived asking about: its day is over. */
function settlingEnded(draft: Draft, moment: Moment): Draft {
  const { task, assets } = draft;
  const waits = assets.some(({ taskId, state }) => taskId === task.id && state === 'PENDING');
  return task.settleUntil !== null && task.settleUntil <= moment.at && !waits ? over(draft) : draft;
}

/** By its caller, or by the provider, whose word on it is then the last. */
export function cancel(draft: Draft, moment: Moment, byProvider?: Trouble): Draft {
  const { task } = draft;
  const failure = failed(byProvider ?? (task.status === 'QUEUED' ? canceledFree : canceledLate), moment);
  const open = !byProvider && (task.providerTaskId !== null || mayBeFound(draft, moment));
  const facts = { failure, cost: costAfter(task.cost, failure), ...(open && settleFrom(moment)) };
  return move(draft, 'CANCELED', moment, facts);
}
