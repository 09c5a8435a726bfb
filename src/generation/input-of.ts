import type { CreateInput } from './input.ts';
import type { Generation, GenerationRequest } from './types.ts';

/** What a stored generation was asked for with: a new purchase of it, with a key of its own and without a wish to reuse. */
export function inputOf({ prompt, model, fit, routing, metadata, request }: Generation): CreateInput {
  const { images, series, seed, references, style, colors, thinking, options } = request;
  return {
    prompt,
    model,
    idempotencyKey: null,
    images,
    series,
    size: sizeOf(request),
    references,
    seed,
    style,
    colors,
    thinking,
    output: {
      format: request.outputFormat,
      quality: request.outputQuality,
      watermark: request.watermark,
      safety: request.safety,
    },
    fit,
    routing,
    options: options ?? null,
    deadlineSeconds: null,
    reuseWithinSeconds: null,
    metadata,
  };
}

function sizeOf({ width, height, aspectRatio, resolution }: GenerationRequest): CreateInput['size'] {
  if (width !== null && height !== null) return { width, height };
  return aspectRatio === null ? null : { aspectRatio, resolution };
}
