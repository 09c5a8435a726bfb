import { z } from 'zod';
import { parseJson } from '../parse-json.ts';
import type { Order } from '../task.ts';
import { PRESETS, toPixels } from './size.ts';

const CREDITS_PER_PICTURE = 10;
const MOST_PICTURES = 6;
const MOST_SOURCES = 10;

export type ReadOrder = { ok: true; order: Omit<Order, 'id'> } | { ok: false; message: string };

/** Parses a submit body as strictly as the provider's documented limits; other keys are let through (UNKNOWN). */
export function readOrder(json: string, isEdit: boolean): ReadOrder {
  const parsed = (isEdit ? Edit : Generate).safeParse(parseJson(json));
  if (!parsed.success) return { ok: false, message: parsed.error.issues[0]?.message ?? 'Invalid request.' };
  const { prompt, image_size, num_images } = parsed.data;
  return {
    ok: true,
    order: {
      prompt,
      count: num_images,
      ...toPixels(image_size, prompt),
      // SIM: no format can be asked for; seed 003 shows PNG.
      format: 'png',
      credits: num_images * CREDITS_PER_PICTURE,
      callbackUrl: null,
    },
  };
}

const Generate = z.looseObject(
  {
    // SIM: no greatest length is documented.
    prompt: z
      .string({ error: 'prompt: this field is required.' })
      .refine((prompt) => prompt !== '', { error: 'prompt: this field may not be blank.' }),
    image_size: z.enum(PRESETS, { error: 'image_size: not a valid choice.' }).default('auto_2K'),
    num_images: z
      .int({ error: 'num_images: a valid integer is required.' })
      .min(1, { error: 'num_images: must be at least 1.' })
      .max(MOST_PICTURES, { error: `num_images: must be at most ${MOST_PICTURES}.` })
      .default(1),
    seed: z
      .int({ error: 'seed: a valid integer is required.' })
      .min(0, { error: 'seed: must be 0 or higher.' })
      .optional(),
    enable_safety_checker: z.boolean({ error: 'enable_safety_checker: must be a boolean.' }).default(true),
  },
  { error: 'The request body must be a JSON object.' },
);

const Edit = Generate.extend({
  image_urls: z
    .array(z.string().refine(isDataUri, { error: 'image_urls: must be base64-encoded data URIs.' }), {
      error: 'image_urls: this field is required.',
    })
    .min(1, { error: 'image_urls: at least 1 image is required.' })
    .max(MOST_SOURCES, { error: `image_urls: must not exceed ${MOST_SOURCES} images.` }),
});

// Seed 003's own example is cut short, `iVBOR...`: what stands after the comma is not looked at any further.
function isDataUri(uri: string): boolean {
  return /^data:image\/[\w.+-]+;base64,\S/.test(uri);
}
