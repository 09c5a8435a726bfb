import { z } from 'zod';
import { readUrl } from '../read-url.ts';

const MODEL = 'bytedance:seedream@5.0-lite';
const MOST_PROMPT_CHARACTERS = 2000;

export const OUTPUT_TYPES = ['URL', 'base64Data', 'dataURI'] as const;
const OUTPUT_FORMATS = ['JPG', 'PNG', 'WEBP'] as const;

const UuidV4 = z.uuidv4({ error: 'taskUUID must be a UUID v4.' });

const ReferenceImages = z
  .array(z.string().refine(isReference, { error: 'A reference image is a UUID, URL, data URI or base64.' }), {
    error: 'referenceImages must be an array of strings.',
  })
  .min(1, { error: 'referenceImages must not be empty.' })
  .optional();

/** Every field of an imageInference with its documented limits; other keys are let through (UNKNOWN). */
export const Body = z.looseObject({
  taskUUID: UuidV4,
  model: z.literal(MODEL, { error: `model must be '${MODEL}'.` }),
  positivePrompt: z
    .string({ error: 'positivePrompt must be a string.' })
    .refine((prompt) => prompt !== '' && [...prompt].length <= MOST_PROMPT_CHARACTERS, {
      error: `positivePrompt must have 1 to ${MOST_PROMPT_CHARACTERS} characters.`,
    }),
  width: z.int({ error: 'width must be an integer, together with height.' }).min(1),
  height: z.int({ error: 'height must be an integer, together with width.' }).min(1),
  numberResults: intBetween('numberResults', 1, 20).default(1),
  outputType: z.enum(OUTPUT_TYPES, { error: `outputType must be one of ${OUTPUT_TYPES.join(', ')}.` }).default('URL'),
  outputFormat: z
    .enum(OUTPUT_FORMATS, { error: `outputFormat must be one of ${OUTPUT_FORMATS.join(', ')}.` })
    .default('JPG'),
  // SIM: nobody can see it in the picture.
  outputQuality: intBetween('outputQuality', 20, 99).default(95),
  deliveryMethod: z.enum(['sync', 'async'], { error: 'deliveryMethod must be sync or async.' }).default('sync'),
  webhookURL: z.string().refine(isWebUrl, { error: 'webhookURL must be a URI.' }).optional(),
  // SIM: checked, and nothing is uploaded.
  uploadEndpoint: z.string().refine(isWebUrl, { error: 'uploadEndpoint must be a URI.' }).optional(),
  safety: z
    .looseObject(
      {
        checkContent: z.boolean({ error: 'safety.checkContent must be a boolean.' }).optional(),
        mode: z.enum(['none', 'fast', 'full'], { error: 'safety.mode must be none, fast or full.' }).optional(),
      },
      { error: 'safety must be an object.' },
    )
    .optional(),
  // SIM: a link lives as long as its task, whatever this says; outside outputType URL it means nothing.
  ttl: z.int({ error: 'ttl must be an integer.' }).min(60, { error: 'ttl must be at least 60.' }).optional(),
  includeCost: z.boolean({ error: 'includeCost must be a boolean.' }).default(false),
  inputs: z.looseObject({ referenceImages: ReferenceImages }, { error: 'inputs must be an object.' }).optional(),
  referenceImages: ReferenceImages,
  providerSettings: z
    .looseObject(
      {
        bytedance: z
          .looseObject(
            {
              maxSequentialImages: intBetween('maxSequentialImages', 1, 15).optional(),
              optimizePromptMode: z
                .enum(['standard', 'fast'], { error: 'optimizePromptMode must be standard or fast.' })
                .optional(),
            },
            { error: 'providerSettings.bytedance must be an object.' },
          )
          .optional(),
      },
      { error: 'providerSettings must be an object.' },
    )
    .optional(),
});

function intBetween(name: string, least: number, most: number) {
  const error = `${name} must be an integer from ${least} to ${most}.`;
  return z.int({ error }).min(least, { error }).max(most, { error });
}

/** A UUID of an earlier picture is base64, too, but for its dashes. */
function isReference(written: string): boolean {
  if (isWebUrl(written) || /^data:image\/[\w.+-]+;base64,\S/i.test(written)) return true;
  return /^[\w+/-]+={0,2}$/.test(written);
}

function isWebUrl(url: string): boolean {
  return /^https?:$/.test(readUrl(url)?.protocol ?? '');
}
