import { z } from 'zod';
import { isLoopback } from '../callbacks.ts';
import { parseJson } from '../parse-json.ts';
import { readUrl } from '../read-url.ts';
import type { Order } from '../task.ts';
import { readSize } from './size.ts';

export const MODEL = 'doubao-seedream-5.0-lite';

/** SIM: seed 000 shows 3.0 for one picture; that n pictures cost n times as much is our guess. */
const CREDITS_PER_PICTURE = 3;
const MOST_PROMPT_TOKENS = 2000;
const MOST_PICTURES = 15;

/** Either what was ordered, or why the provider would not take it, and for which field. */
export type ReadOrder = { ok: true; order: Omit<Order, 'id'> } | { ok: false; message: string; param: string | null };

/** Parses a submit body as strictly as the provider's documented limits; other keys are let through (UNKNOWN). */
export function readOrder(json: string): ReadOrder {
  const parsed = Body.safeParse(parseJson(json));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return { ok: false, message: issue?.message ?? 'Invalid request', param: issue?.path[0]?.toString() ?? null };
  }
  const { prompt, n, size, quality, image_urls, callback_url } = parsed.data;
  if (image_urls.length + n > MOST_PICTURES) {
    return { ok: false, message: `image_urls and n together must not exceed ${MOST_PICTURES}`, param: 'n' };
  }
  const read = readSize(size, quality, prompt);
  if (!read.ok) return { ok: false, message: read.message, param: read.param };
  const { width, height } = read;
  const credits = n * CREDITS_PER_PICTURE;
  return {
    ok: true,
    order: { prompt, count: n, width, height, format: 'jpg', credits, callbackUrl: callback_url ?? null },
  };
}

const Body = z.looseObject(
  {
    model: z.literal(MODEL, { error: `model must be '${MODEL}'` }),
    prompt: z
      .string({ error: 'prompt must be a string' })
      .refine((prompt) => prompt.trim() !== '', { error: 'prompt must not be empty' })
      .refine((prompt) => countTokensAtLeast(prompt) <= MOST_PROMPT_TOKENS, {
        error: 'prompt must not exceed 2000 tokens',
      }),
    n: z
      .int({ error: 'n must be an integer' })
      .min(1, { error: 'n must be at least 1' })
      .max(MOST_PICTURES, { error: `n must be at most ${MOST_PICTURES}` })
      .default(1),
    size: z.string({ error: 'size must be a string' }).optional(),
    quality: z.enum(['2K', '4K'], { error: "quality must be '2K' or '4K'" }).optional(),
    prompt_priority: z.literal('standard', { error: "prompt_priority must be 'standard'" }).optional(),
    image_urls: z
      .array(z.string().refine(isWebUrl, { error: 'image_urls must be http or https URLs' }), {
        error: 'image_urls must be an array of URLs',
      })
      .max(14, { error: 'image_urls must not exceed 14 images' })
      .default([]),
    // SIM: the provider takes only https and refuses private addresses; on loopback nobody could receive one then.
    callback_url: z
      .string({ error: 'callback_url must be a string' })
      .max(2048, { error: 'callback_url must not exceed 2048 characters' })
      .refine(isCallbackUrl, { error: 'callback_url must be HTTPS' })
      .optional(),
  },
  { error: 'The request body must be a JSON object' },
);

/** The real tokenizer is UNKNOWN; this never counts more than it would for ordinary text. */
function countTokensAtLeast(prompt: string): number {
  return Math.ceil(prompt.length / 4);
}

function isCallbackUrl(url: string): boolean {
  if (!isWebUrl(url)) return false;
  const { protocol, hostname } = new URL(url);
  return protocol === 'https:' || isLoopback(hostname);
}

function isWebUrl(url: string): boolean {
  return /^https?:$/.test(readUrl(url)?.protocol ?? '');
}
