import { z } from 'zod';
import { parseJson } from '../parse-json.ts';
import type { Order, Task } from '../task.ts';
import type { Code } from './errors.ts';

export const MODEL = 'seedream-5.0-lite';
export const CREDITS_PER_IMAGE = 7;

const MOST_PROMPT_CHARACTERS = 1000;

type Unacceptable = { ok: false; code: Code; message: string };

export type ReadOrder = { ok: true; order: Omit<Order, 'id'> } | Unacceptable;
export type ReadBatch = { ok: true; orders: Omit<Order, 'id'>[] } | Unacceptable;

/** Parses the body of a single image as strictly as the documented limits; other keys are let through. */
export function readOrder(json: string): ReadOrder {
  const parsed = Single.safeParse(parseJson(json));
  if (!parsed.success) return toUnacceptable(parsed.error);
  return { ok: true, order: toOrder(parsed.data, parsed.data.webhook_url) };
}

/** SIM: one item that the provider would not take alone refuses the whole batch. */
export function readBatch(json: string, mostItems: number): ReadBatch {
  const outer = Batch.safeParse(parseJson(json));
  if (!outer.success) return toUnacceptable(outer.error);
  const { generations, webhook_url } = outer.data;
  if (generations.length > mostItems) {
    return { ok: false, code: 'batch_too_large', message: `Batch exceeds ${mostItems} items` };
  }
  const items = z.array(Item).safeParse(generations);
  if (!items.success) return toUnacceptable(items.error);
  return { ok: true, orders: items.data.map((item) => toOrder(item, webhook_url)) };
}

/** What of its request a task needs again. */
export function factsOf({ facts }: Task): z.infer<typeof Facts> {
  return Facts.parse(facts);
}

/** Documented, below what the same model does elsewhere. */
const RATIOS = {
  '1:1': [1024, 1024],
  '16:9': [1360, 768],
  '9:16': [768, 1360],
  '4:3': [1184, 888],
  '3:4': [888, 1184],
  '3:2': [1248, 832],
} as const;

const CODES: Record<string, Code> = {
  model: 'invalid_model',
  prompt: 'invalid_prompt',
  aspect_ratio: 'invalid_aspect_ratio',
};

const Facts = z.object({ deepThinking: z.boolean(), metadata: z.record(z.string(), z.unknown()) });

/** In the order in which faults are named. */
const Item = z.looseObject(
  {
    model: z.literal(MODEL, { error: `Model identifier not recognized, use ${MODEL}` }),
    prompt: z
      .string({ error: 'prompt must be a string' })
      .refine((prompt) => prompt.trim() !== '', { error: 'Prompt is empty' })
      .refine((prompt) => [...prompt].length <= MOST_PROMPT_CHARACTERS, { error: 'Prompt is over 1000 characters' }),
    aspect_ratio: z
      .enum(Object.keys(RATIOS) as (keyof typeof RATIOS)[], { error: 'Aspect ratio not supported' })
      .default('1:1'),
    deep_thinking: z.boolean({ error: 'deep_thinking must be a boolean' }).default(false),
    // A preset or a description of one's own: any text is one of the two.
    style: z.string({ error: 'style must be a string' }).optional(),
    colors: z
      .array(z.string().regex(/^#?([0-9a-f]{3}|[0-9a-f]{6})$/i, { error: 'colors must be hex codes' }), {
        error: 'colors must be an array',
      })
      .optional(),
    metadata: z.record(z.string(), z.unknown(), { error: 'metadata must be an object' }).default({}),
  },
  { error: 'The request body must be a JSON object' },
);

const WebhookUrl = z.url({ protocol: /^https?$/, error: 'webhook_url must be a URL' }).optional();

const Single = Item.extend({ webhook_url: WebhookUrl });

const Batch = z.looseObject(
  {
    generations: z
      .array(z.unknown(), { error: 'generations must be an array' })
      .min(1, { error: 'generations must not be empty' }),
    webhook_url: WebhookUrl,
  },
  { error: 'The request body must be a JSON object' },
);

function toOrder(item: z.infer<typeof Item>, webhookUrl: string | undefined): Omit<Order, 'id'> {
  const [width, height] = RATIOS[item.aspect_ratio];
  return {
    prompt: item.prompt,
    count: 1,
    width,
    height,
    format: 'png',
    otherFormats: ['webp'],
    credits: CREDITS_PER_IMAGE,
    callbackUrl: webhookUrl ?? null,
    facts: { deepThinking: item.deep_thinking, metadata: item.metadata },
  };
}

function toUnacceptable({ issues: [issue] }: z.ZodError): Unacceptable {
  const field = issue?.path.find((step) => typeof step === 'string') ?? '';
  return { ok: false, code: CODES[field] ?? 'invalid_request', message: issue?.message ?? 'Invalid request' };
}
