import { getPictureUrl } from '../dialect.ts';
import { getNow, lookAt, type Task } from '../task.ts';
import { type ErrorBody, toErrorBody } from './errors.ts';
import { MODEL } from './order.ts';

/** The answer to a submit, field for field that of seed 002. */
export function toAccepted(task: Task) {
  return { ...toHead(task, 'processing'), created_at: Math.floor(task.acceptedAt / 1000) };
}

/** The answer to a poll: the envelope of the submit until the end, then with `output` or `error`. */
export function toReport(task: Task, origin: string) {
  const { phase, pictures } = lookAt(task, getNow());
  const created_at = Math.floor(task.acceptedAt / 1000);
  if (phase === 'failed') return { ...toHead(task, 'failed'), created_at, output: null, error: toError(task) };
  if (phase === 'odd') return { ...toHead(task, 'upscaling_v2'), created_at };
  if (phase !== 'succeeded') return toAccepted(task);
  const image_urls = Array.from({ length: pictures }, (_, index) => getPictureUrl(task, index, origin));
  return { ...toHead(task, 'completed'), created_at, output: { image_urls }, error: null };
}

/**
 * SIM: that a failed task carries the envelope is documented, its codes are not; `[[fail=12345]]` picks one. A plain one
 * is of validation, which trying again would not cure.
 */
function toError({ directives }: Task): ErrorBody {
  if (directives.has('moderated')) return toErrorBody(20400, 'The request was rejected by content moderation');
  const asked = directives.get('fail') ?? '';
  return toErrorBody(/^\d{5}$/.test(asked) ? Number(asked) : 20500, 'Image generation failed');
}

function toHead({ id }: Task, status: string) {
  return { id, model: MODEL, status };
}
