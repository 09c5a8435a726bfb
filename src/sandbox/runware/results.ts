import { createHash } from 'node:crypto';
import { type Desk, getPictureUrl } from '../dialect.ts';
import type { Format } from '../picture/picture.ts';
import { getEnd, getYield, lookAt, type Task } from '../task.ts';
import { type TaskError, toError } from './errors.ts';
import { readFacts } from './facts.ts';
import { USD_PER_PICTURE } from './inference.ts';

export interface Results {
  data: object[];
  errors: TaskError[];
}

/** What there is to see of a task at one moment, as a synchronous answer has it. */
export async function getResults(task: Task, now: number, origin: string, desk: Desk): Promise<Results> {
  const { pictures } = lookAt(task, now);
  const made = await Promise.all(
    Array.from({ length: pictures }, async (_, index) =>
      toItem(task, index, await getContent(task, index, origin, desk)),
    ),
  );
  return { data: [...made, ...getLateItems(task, now)], errors: getErrors(task, now) };
}

/** A series may be shorter than asked; of `numberResults` each one missing is an error of its own. */
export function getErrors(task: Task, now: number): TaskError[] {
  const { phase } = lookAt(task, now);
  if (phase === 'failed') return [toFailure(task)];
  if (phase !== 'succeeded' || readFacts(task).isSeries) return [];
  return Array.from({ length: task.count - getYield(task) }, () =>
    toError('inferenceError', 'This result could not be made.', nameOf(task)),
  );
}

export function toItem(task: Task, index: number, content: Record<string, string>) {
  const digest = createHash('sha256').update(`${task.id}/${index}`).digest();
  return {
    ...nameOf(task),
    imageUUID: toUuid(digest.toString('hex')),
    ...content,
    seed: digest.readUInt32LE(16),
    NSFWContent: false,
    ...(readFacts(task).includesCost && { cost: USD_PER_PICTURE }),
  };
}

export function nameOf({ id }: Task) {
  return { taskType: 'imageInference', taskUUID: id };
}

async function getContent(task: Task, index: number, origin: string, desk: Desk): Promise<Record<string, string>> {
  const { outputType } = readFacts(task);
  if (outputType === 'URL') return { imageURL: getPictureUrl(task, index, origin) };
  const base64 = (await desk.draw(task, index)).toString('base64');
  if (outputType === 'base64Data') return { imageBase64Data: base64 };
  return { imageDataURI: `data:${TYPES[task.format]};base64,${base64}` };
}

const TYPES: Record<Format, string> = { jpg: 'image/jpeg', png: 'image/png', webp: 'image/webp' };

/** With `late-asset` a picture is said to be a success before it can be had. */
function getLateItems(task: Task, now: number) {
  const { phase, pictures } = lookAt(task, now);
  if (phase !== 'succeeded' || now >= (getEnd(task) ?? now)) return [];
  return Array.from({ length: getYield(task) - pictures }, (_, index) => toItem(task, pictures + index, {}));
}

/** SIM: `[[fail=CODE]]` is that code, whatever it is; a plain one is of a kind that trying again would not cure. */
function toFailure(task: Task): TaskError {
  const { directives } = task;
  if (directives.has('moderated')) {
    return toError('providerContentPolicyViolation', 'The provider refused this content.', nameOf(task));
  }
  return toError(directives.get('fail') || 'invalidInput', 'The model could not work with this input.', nameOf(task));
}

function toUuid(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
