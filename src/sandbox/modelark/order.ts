import { z } from 'zod';
import type { Order } from '../task.ts';
import type { Code } from './errors.ts';
import { findFault } from './references.ts';
import { readSize } from './size.ts';

/** How the answer is wanted. */
export interface Wish {
  model: string;
  isStream: boolean;
  isInline: boolean;
  searchesWeb: boolean;
}

export type ReadOrder =
  | { ok: true; order: Omit<Order, 'id'>; wish: Wish }
  | { ok: false; code: Code; message: string; param: string };

/** Parses a body as strictly as the documented limits; other keys are let through, and null is as good as nothing. */
export async function readOrder(json: string): Promise<ReadOrder> {
  const parsed = Body.safeParse(parseJson(json), { reportInput: true });
  if (!parsed.success) return toUnacceptable(parsed.error);
  const body = parsed.data;
  if (!MODELS.includes(body.model)) {
    return { ok: false, code: 'UnsupportedModel', message: `The model ${body.model} is not supported`, param: 'model' };
  }
  const images = listReferences(body);
  const refused = (message: string, param: string): ReadOrder => {
    return { ok: false, code: 'InvalidParameter', message, param };
  };
  if (images.length > MOST_REFERENCES) return refused('number of reference images cannot exceed 14', 'image');
  const count = countOutputs(body, images.length);
  if (images.length + count > MOST_IMAGES) return refused('reference and output images cannot exceed 15', 'image');
  const size = readSize(body.size, body.prompt);
  if (typeof size === 'string') return refused(size, 'size');
  const fault = await findFault(images);
  return fault ? refused(fault, 'image') : toOrder(body, count, size);
}

const MODELS = ['seedream-5-0-260128', 'seedream-5-0-lite-260128'];
const MOST_REFERENCES = 14;
const MOST_IMAGES = 15;

const Body = z.looseObject(
  {
    model: z.string({ error: 'model must be a string' }),
    prompt: z.string({ error: 'prompt must be a string' }).min(1, { error: 'prompt must not be empty' }),
    image: z
      .union([z.string(), z.array(z.string())], { error: 'image must be a string or an array of strings' })
      .optional(),
    size: z.string({ error: 'size must be a string' }).default('2048x2048'),
    sequential_image_generation: oneOf('sequential_image_generation', ['auto', 'disabled']).default('disabled'),
    sequential_image_generation_options: z
      .looseObject(
        {
          max_images: z
            .int({ error: 'max_images must be an integer' })
            .min(1, { error: 'max_images must be at least 1' })
            .max(MOST_IMAGES, { error: `max_images must be at most ${MOST_IMAGES}` })
            .optional(),
        },
        { error: 'sequential_image_generation_options must be an object' },
      )
      .default({}),
    optimize_prompt_options: z
      .looseObject(
        { mode: z.literal('standard', { error: "optimize_prompt_options.mode must be 'standard'" }).optional() },
        { error: 'optimize_prompt_options must be an object' },
      )
      .optional(),
    output_format: oneOf('output_format', ['jpeg', 'png']).default('jpeg'),
    response_format: oneOf('response_format', ['url', 'b64_json']).default('url'),
    watermark: z.boolean({ error: 'watermark must be a boolean' }).default(true),
    stream: z.boolean({ error: 'stream must be a boolean' }).default(false),
    tools: z
      .array(z.looseObject({ type: z.literal('web_search', { error: 'tools may only be web_search' }) }), {
        error: 'tools must be an array',
      })
      .optional(),
    // SIM: that the model does not support them is documented, that it says so is our guess.
    seed: z.undefined({ error: 'seed is not supported by this model' }).optional(),
    guidance_scale: z.undefined({ error: 'guidance_scale is not supported by this model' }).optional(),
  },
  { error: 'The request body must be a JSON object' },
);

type Body = z.infer<typeof Body>;

function oneOf<const Words extends readonly string[]>(name: string, words: Words) {
  return z.enum(words, { error: `${name} must be ${words.join(' or ')}` });
}

/** The images that a body asks for; one that cannot be read counts as one request. */
export function countImages(json: string): number {
  const { data } = Body.safeParse(parseJson(json));
  return data ? countOutputs(data, listReferences(data).length) : 1;
}

function listReferences({ image }: Body): string[] {
  return typeof image === 'string' ? [image] : (image ?? []);
}

/** SIM: the model decides how many images a series has; here it has as many as it may. */
function countOutputs(body: Body, references: number): number {
  if (body.sequential_image_generation === 'disabled') return 1;
  return body.sequential_image_generation_options.max_images ?? MOST_IMAGES - references;
}

function toOrder(body: Body, count: number, [width, height]: readonly [number, number]): ReadOrder {
  const { prompt, model, stream, response_format, tools } = body;
  const format = body.output_format === 'png' ? 'png' : 'jpg';
  const mark = body.watermark ? { watermark: 'AI generated' } : {};
  return {
    ok: true,
    order: { prompt, count, width, height, format, credits: count, callbackUrl: null, oneByOne: true, ...mark },
    wish: { model, isStream: stream, isInline: response_format === 'b64_json', searchesWeb: Boolean(tools?.length) },
  };
}

function toUnacceptable({ issues: [issue] }: z.ZodError): ReadOrder {
  const param = issue?.path.filter((step) => typeof step === 'string').join('.') ?? '';
  const isMissing = issue?.code === 'invalid_type' && issue.input === undefined && param !== '';
  const message = issue?.message ?? 'Invalid request';
  return { ok: false, code: isMissing ? 'MissingParameter' : 'InvalidParameter', message, param };
}

/** The official SDK sends null for what was not set. */
function parseJson(json: string): unknown {
  try {
    return JSON.parse(json, (_key, value: unknown) => value ?? undefined);
  } catch {
    return undefined;
  }
}
