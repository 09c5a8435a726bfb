import { getPictureUrl } from '../dialect.ts';
import { getEnd, getNow, lookAt, type Moment, type Task } from '../task.ts';
import { isCode, toError } from './errors.ts';
import { CREDITS_PER_IMAGE, factsOf, MODEL } from './order.ts';

/** The answer to a single submit. */
export function toAccepted(task: Task, creditsRemaining: number) {
  return {
    task_id: task.id,
    status: 'processing',
    model: MODEL,
    credits_charged: CREDITS_PER_IMAGE,
    credits_remaining: creditsRemaining,
    estimated_time_seconds: secondsLeft(task, task.acceptedAt),
  };
}

/** The answer to a poll of a single task. */
export function toReport(task: Task, origin: string) {
  const now = getNow();
  const moment = lookAt(task, now);
  const head = { task_id: task.id, status: STATUSES[moment.phase] };
  if (moment.phase === 'failed') return { ...head, error: toFailure(task) };
  if (moment.phase !== 'succeeded') {
    return { ...head, progress: moment.progress / 100, estimated_time_remaining: secondsLeft(task, now) };
  }
  return {
    ...head,
    image_url: toUrl(task, moment, origin),
    image_url_webp: toUrl(task, moment, origin, 'webp'),
    width: task.width,
    height: task.height,
    model: MODEL,
    deep_thinking_used: factsOf(task).deepThinking,
    credits_charged: CREDITS_PER_IMAGE,
    metadata: factsOf(task).metadata,
    created_at: toTime(task),
  };
}

/** The body of a callback. SIM: one for each image of a batch, which the sample with both ids suggests. */
export function toEvent(task: Task, origin: string) {
  const moment = lookAt(task, getNow());
  const isFailed = moment.phase === 'failed';
  return {
    event: isFailed ? 'image.failed' : 'image.completed',
    task_id: task.id,
    ...(task.group === undefined ? {} : { batch_id: task.group }),
    status: STATUSES[moment.phase],
    ...(isFailed ? { error: toFailure(task) } : { image_url: toUrl(task, moment, origin) }),
    model: MODEL,
    credits_charged: CREDITS_PER_IMAGE,
    metadata: factsOf(task).metadata,
    created_at: toTime(task),
  };
}

/** SIM: a text as in the samples; `[[fail=CODE]]` with a documented code gives an object, which nobody excludes. */
export function toFailure({ directives }: Task) {
  const asked = directives.get('fail') ?? '';
  return isCode(asked) ? toError(asked, PLAIN_FAILURE) : PLAIN_FAILURE;
}

/** SIM: null while there is none, be it late or for good. */
export function toUrl(task: Task, { pictures }: Moment, origin: string, format: 'png' | 'webp' = 'png') {
  return pictures > 0 ? getPictureUrl(task, 0, origin, format) : null;
}

export const STATUSES: Record<Moment['phase'], string> = {
  pending: 'processing',
  running: 'processing',
  odd: 'upscaling_v2',
  succeeded: 'completed',
  failed: 'failed',
};

const PLAIN_FAILURE = 'The image could not be generated';
const STUCK_ESTIMATE_S = 10;

function secondsLeft(task: Task, now: number): number {
  const end = getEnd(task);
  return end === null ? STUCK_ESTIMATE_S : Math.max(0, Math.ceil((end - now) / 1000));
}

function toTime({ acceptedAt }: Task): string {
  return `${new Date(acceptedAt).toISOString().slice(0, 19)}Z`;
}
