import { getYield, type Task } from '../task.ts';
import { type Code, isCode } from './errors.ts';

/** What becomes of the request as a whole, and of each image it gets to: null for one that is delivered. */
export type Outcome = { kind: 'FAILED'; code: Code } | { kind: 'ANSWERED'; images: (Code | null)[] };

/**
 * A plain `fail` is an internal error of the first image, which ends the series. `[[fail=CODE]]` with a code that images
 * have gives it to all of them, with any other documented code it is the request that fails.
 */
export function toOutcome(task: Task): Outcome {
  const { directives, count } = task;
  if (!directives.has('fail')) {
    const good = getYield(task);
    return { kind: 'ANSWERED', images: fill(count, (index) => (index < good ? null : REFUSED_IMAGE)) };
  }
  const asked = directives.get('fail') ?? '';
  if (!isCode(asked) || asked === 'InternalServiceError') {
    return { kind: 'ANSWERED', images: ['InternalServiceError'] };
  }
  return IMAGE_CODES.includes(asked)
    ? { kind: 'ANSWERED', images: fill(count, () => asked) }
    : { kind: 'FAILED', code: asked };
}

const REFUSED_IMAGE = 'OutputImageSensitiveContentDetected';
const IMAGE_CODES: Code[] = [REFUSED_IMAGE, 'OutputImageRiskDetection'];

function fill<Value>(length: number, toValue: (index: number) => Value): Value[] {
  return Array.from({ length }, (_, index) => toValue(index));
}
