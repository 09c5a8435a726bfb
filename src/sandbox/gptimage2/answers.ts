import { getPictureUrl } from '../dialect.ts';
import { getEnd, getNow, lookAt, type Moment, type Task } from '../task.ts';
import { MODEL } from './order.ts';

/** The answer to a submit, field for field that of seed 000. */
export function toAccepted(task: Task) {
  const end = getEnd(task);
  return {
    ...toHead(task),
    progress: 0,
    status: 'pending',
    task_info: {
      can_cancel: true,
      estimated_time: end === null ? STUCK_ESTIMATE_S : Math.ceil((end - task.acceptedAt) / 1000),
    },
    type: 'image',
    usage: { billing_rule: 'per_call', credits_reserved: task.credits, user_group: 'default' },
  };
}

/** The answer to a poll, and the body of a callback. */
export function toReport(task: Task, origin: string) {
  const moment = lookAt(task, getNow());
  if (moment.phase === 'failed') {
    const { created: _, ...head } = toHead(task);
    // The documented example of a failure has neither `created` nor `type`, and its progress is back at 0.
    return { ...head, status: 'failed', progress: 0, error: toError(task) };
  }
  const { phase, progress, pictures } = moment;
  const results = Array.from({ length: pictures }, (_, index) => getPictureUrl(task, index, origin));
  return {
    ...toHead(task),
    progress,
    ...(phase === 'succeeded' ? { results } : {}),
    status: STATUSES[phase],
    task_info: { can_cancel: phase !== 'succeeded' },
    type: 'image',
  };
}

const STUCK_ESTIMATE_S = 45;

const STATUSES: Record<Exclude<Moment['phase'], 'failed'>, string> = {
  pending: 'pending',
  running: 'processing',
  odd: 'post_processing_v2',
  succeeded: 'completed',
};

/** The documented codes a failed task can carry; `[[fail=CODE]]` picks one. */
const MESSAGES: Record<string, string> = {
  content_policy_violation: 'Content policy violation.\nYour request was blocked by safety filters.',
  invalid_parameters: 'Invalid parameters.',
  image_dimension_mismatch: 'Image dimensions do not match.',
  image_processing_error: 'Failed to process the image.',
  request_cancelled: 'The request was cancelled.',
  resource_not_found: 'Resource not found.',
  model_unavailable: 'The model is unavailable.',
  generation_timeout: 'Generation timed out.',
  quota_exceeded: 'Quota exceeded.',
  resource_exhausted: 'Resource exhausted.',
  generation_failed_no_content: 'Generation failed, no content was returned.',
  service_error: 'Service error.',
  service_unavailable: 'Service unavailable.',
  upstream_error: 'Upstream error.',
  rate_limited: 'Rate limited.',
  unknown_error: 'Unknown error.',
};

function toError({ directives }: Task) {
  const asked = directives.get('fail') ?? '';
  // A plain `[[fail]]` is one that trying again would not cure, so that the story ends.
  const plain = directives.has('moderated') ? 'content_policy_violation' : 'image_processing_error';
  const code = Object.hasOwn(MESSAGES, asked) ? asked : plain;
  return { code, message: MESSAGES[code] };
}

function toHead({ id, acceptedAt }: Task) {
  return { created: Math.floor(acceptedAt / 1000), id, model: MODEL, object: 'image.generation.task' };
}
