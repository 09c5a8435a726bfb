import { z } from 'zod';
import { isLoopback } from '../callbacks.ts';
import { parseJson } from '../parse-json.ts';
import { readUrl } from '../read-url.ts';
import type { Order } from '../task.ts';
import { RATIOS, toPixels } from './size.ts';

export const MODEL = 'doubao-seedream-5-0-lite';

/** SIM: the price is flat and per picture; how much it is appears in no answer and no document. */
const CREDITS_PER_PICTURE = 4;
const MOST_PROMPT_CHARACTERS = 4000;
const MOST_PICTURES = 4;
const MOST_REFERENCES = 20;

/** Either what was ordered, or what is missing or wrong. */
export type ReadOrder =
  | { ok: true; order: Omit<Order, 'id'> }
  /** `isMissing`: the parameter is not there at all, which has a code of its own. */
  | { ok: false; message: string; isMissing: boolean };

/** Parses a submit body as strictly as the provider's documented limits; other keys are let through (UNKNOWN). */
export function readOrder(json: string): ReadOrder {
  const body = parseJson(json);
  const parsed = Body.safeParse(body);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return { ok: false, message: issue?.message ?? 'the request body', isMissing: isMissing(body, issue?.path[0]) };
  }
  const { prompt, size, resolution, n, image_urls, output_format, watermark, ...group } = parsed.data;
  if (size === 'auto' && image_urls.length === 0) {
    return { ok: false, message: "size 'auto' requires image_urls", isMissing: false };
  }
  // SIM: seed 002 says n > 1 promotes it to auto, the site's own form that n > 1 requires auto: an explicit `disabled` is neither.
  if (n > 1 && group.sequential_image_generation === 'disabled') {
    return { ok: false, message: 'n above 1 requires sequential_image_generation auto', isMissing: false };
  }
  // SIM: n is what is paid for, and `max_images` caps it; without a group both are one.
  const count = Math.min(n, group.sequential_image_generation_options?.max_images ?? n);
  return {
    ok: true,
    order: {
      prompt,
      count,
      ...toPixels(size, resolution, image_urls[0] ?? ''),
      format: output_format === 'png' ? 'png' : 'jpg',
      credits: count * CREDITS_PER_PICTURE,
      callbackUrl: null,
      ...(watermark && { watermark: 'AI generated' }),
    },
  };
}

const Body = z.looseObject(
  {
    model: z.literal(MODEL, { error: `model must be '${MODEL}'` }),
    prompt: z
      .string({ error: 'prompt must be a string' })
      .refine((prompt) => prompt.length > 0, { error: 'prompt must not be empty' })
      .refine((prompt) => [...prompt].length <= MOST_PROMPT_CHARACTERS, {
        error: `prompt must not exceed ${MOST_PROMPT_CHARACTERS} characters`,
      }),
    size: z.enum(RATIOS, { error: `size must be one of ${RATIOS.join(', ')}` }).default('1:1'),
    resolution: z
      .string({ error: 'resolution must be 2K or 3K' })
      .transform((tier) => tier.toUpperCase())
      .pipe(z.enum(['2K', '3K'], { error: 'resolution must be 2K or 3K' }))
      .default('2K'),
    n: z
      .int({ error: 'n must be an integer' })
      .min(1, { error: 'n must be at least 1' })
      .max(MOST_PICTURES, { error: `n must be at most ${MOST_PICTURES}` })
      .default(1),
    // SIM: seed 002 names no number; 20 is that of the provider's own form.
    image_urls: z
      .array(z.string().refine(isReference, { error: 'image_urls must be public HTTPS URLs' }), {
        error: 'image_urls must be an array of public HTTPS URLs',
      })
      .max(MOST_REFERENCES, { error: `image_urls must not exceed ${MOST_REFERENCES} images` })
      .default([]),
    output_format: z.enum(['jpeg', 'png'], { error: 'output_format must be jpeg or png' }).default('jpeg'),
    sequential_image_generation: z
      .enum(['disabled', 'auto'], { error: 'sequential_image_generation must be disabled or auto' })
      .optional(),
    sequential_image_generation_options: z
      .looseObject(
        { max_images: z.int().min(1, { error: 'max_images must be at least 1' }).optional() },
        { error: 'sequential_image_generation_options must be an object' },
      )
      .optional(),
    watermark: z.boolean({ error: 'watermark must be a boolean' }).default(false),
  },
  { error: 'the request body must be a JSON object' },
);

function isMissing(body: unknown, name: PropertyKey | undefined): boolean {
  return name !== undefined && typeof body === 'object' && body !== null && !(name in body);
}

// SIM: on loopback plain http is taken, where nobody could have a certificate.
function isReference(url: string): boolean {
  const { protocol = '', hostname = '' } = readUrl(url) ?? {};
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
}
