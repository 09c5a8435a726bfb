import { z } from 'zod';
import type { Order } from '../task.ts';
import { Body } from './body.ts';
import { type Facts, shorten } from './facts.ts';
import type { Named } from './outcome.ts';

/** SIM: the price of third-party tables. */
export const USD_PER_PICTURE = 0.035;

const MOST_REFERENCES = 14;
const MOST_WITH_SERIES = 15;
const LEAST_AREA = 2560 * 1440;
const MOST_AREA = 4096 * 4096;
const MOST_RATIO = 16;

/** Either what was ordered, or why the provider would not take it, and for which parameter. */
export type ReadInference =
  | { ok: true; order: Order; isAsync: boolean }
  | { ok: false; code: string; message: string; parameter: string | string[] };

/** Parses an imageInference as strictly as the documented limits. */
export function readInference(task: unknown): ReadInference {
  const parsed = Body.safeParse(task);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return refuse(task, issue?.path ?? [], issue?.message ?? 'Invalid task.');
  }
  const { taskUUID, positivePrompt, width, height, webhookURL, ...body } = parsed.data;
  const area = width * height;
  // SIM: the area is ModelArk's for the same model; here it is UNKNOWN.
  if (area < LEAST_AREA || area > MOST_AREA || width > MOST_RATIO * height || height > MOST_RATIO * width) {
    const message = 'width x height must have 2560x1440 to 4096x4096 pixels and a ratio of 1/16 to 16.';
    return { ok: false, code: 'unsupportedDimensions', message, parameter: ['width', 'height'] };
  }
  // SIM: nested is seed 001's way, the top level that of the provider's own example; both count together.
  const references = (body.inputs?.referenceImages?.length ?? 0) + (body.referenceImages?.length ?? 0);
  const series = body.providerSettings?.bytedance?.maxSequentialImages;
  if (references > MOST_REFERENCES || references + (series ?? 0) > MOST_WITH_SERIES) {
    const message = `At most ${MOST_REFERENCES} reference images, and ${MOST_WITH_SERIES} with sequential images.`;
    return { ok: false, code: 'arrayTooLong', message, parameter: 'inputs.referenceImages' };
  }
  // SIM: how the two combine is UNKNOWN: a series takes the place of `numberResults`.
  const count = series ?? body.numberResults;
  const { outputType, includeCost: includesCost } = body;
  const facts: Facts = { outputType, includesCost, isSeries: series !== undefined, request: shorten(task) };
  return {
    ok: true,
    // With a webhook the acknowledgement comes at once, whatever the delivery method.
    isAsync: body.deliveryMethod === 'async' || webhookURL !== undefined,
    order: {
      id: taskUUID,
      prompt: positivePrompt,
      count,
      width,
      height,
      format: FORMATS[body.outputFormat],
      credits: Math.round(count * USD_PER_PICTURE * 1000) / 1000,
      callbackUrl: webhookURL ?? null,
      oneByOne: true,
      facts,
    },
  };
}

/** Its name in the provider's answers, as far as the task says one. */
export function readName(task: unknown): Named {
  const { success, data } = Uuid.safeParse(task);
  return { taskType: 'imageInference', ...(success && { taskUUID: data.taskUUID }) };
}

const FORMATS = { JPG: 'jpg', PNG: 'png', WEBP: 'webp' } as const;

const Uuid = z.object({ taskUUID: z.string() });

/** Codes are `missing` or `invalid` and the parameter: the pattern is the provider's. */
function refuse(task: unknown, path: readonly PropertyKey[], message: string): ReadInference {
  const names = path.filter((step) => typeof step === 'string');
  const last = names.at(-1) ?? 'task';
  const [word, parameter] = [isThere(task, path) ? 'invalid' : 'missing', names.join('.')];
  return { ok: false, code: `${word}${last.charAt(0).toUpperCase()}${last.slice(1)}`, message, parameter };
}

function isThere(value: unknown, [step, ...rest]: readonly PropertyKey[]): boolean {
  if (step === undefined) return value !== undefined;
  if (typeof value !== 'object' || value === null) return false;
  return isThere(Object.getOwnPropertyDescriptor(value, step)?.value, rest);
}
