import type { ImageFormat, ProviderRequest, Safety, Sending } from '../../generation/provider.ts';
import { findPixels } from '../seedream-sizes.ts';
import { RUNWARE_MODELS } from './models.ts';

const FORMATS: Partial<Record<ImageFormat, string>> = { JPEG: 'JPG', PNG: 'PNG', WEBP: 'WEBP' };

/** `checkContent` alone means the mode `fast`; a mode wins over it (providers.md §3.1). */
const SAFETY: Record<Safety, object> = {
  DEFAULT: {},
  ON: { safety: { checkContent: true } },
  OFF: { safety: { mode: 'none' } },
};

/**
 * A submission, as one task: what is sent is the array `tasks` (seed 001, providers.md §3.1). The task is named by our
 * reference, so that it can be found again. `uploadEndpoint` is left out: results are fetched and kept by us.
 */
export function compose(
  request: ProviderRequest,
  { reference, callbackUrl }: Pick<Sending, 'reference' | 'callbackUrl'>,
): Record<string, unknown> {
  const { images, series, references, outputFormat, outputQuality, safety, options } = request;
  const { ttlSeconds = null } = options?.runware ?? {};
  return {
    tasks: [
      {
        taskType: 'imageInference',
        taskUUID: reference,
        model: getModel(request.model).providerModelId,
        positivePrompt: request.prompt,
        ...composeSize(request),
        outputType: 'URL',
        deliveryMethod: 'async',
        includeCost: true,
        ...(images > 1 && !series && { numberResults: images }),
        ...(outputFormat && { outputFormat: getFormat(outputFormat) }),
        ...(outputQuality !== null && { outputQuality }),
        ...SAFETY[safety],
        // Its default is UNKNOWN (providers.md §3.1): what we hold to be true is asked for.
        ttl: ttlSeconds ?? getModel(request.model).resultTtlSeconds,
        ...(references.length > 0 && { inputs: { referenceImages: references.map(({ uri }) => uri) } }),
        ...composeSettings(request),
        ...(callbackUrl && { webhookURL: callbackUrl }),
      },
    ],
  };
}

/** Width and height are required together. */
function composeSize({ model, size }: ProviderRequest): { width: number; height: number } {
  const { sizes, defaultPixels } = getModel(model);
  const pixels = size ? findPixels(sizes, size) : defaultPixels;
  if (!pixels) throw new Error(`Runware does not offer the size ${JSON.stringify(size)}.`);
  return { width: pixels.width, height: pixels.height };
}

/** How `maxSequentialImages` goes with `numberResults` is UNKNOWN: never both. */
function composeSettings({ images, series, options }: ProviderRequest): Record<string, unknown> {
  const { optimizePrompt = null } = options?.runware ?? {};
  const bytedance = {
    ...(series && { maxSequentialImages: images }),
    ...(optimizePrompt && { optimizePromptMode: optimizePrompt.toLowerCase() }),
  };
  return Object.keys(bytedance).length > 0 ? { providerSettings: { bytedance } } : {};
}

function getModel(model: string) {
  const known = RUNWARE_MODELS.find((candidate) => candidate.model === model);
  if (!known) throw new Error(`Runware does not offer the model ${model}.`);
  return known;
}

function getFormat(format: ImageFormat): string {
  const known = FORMATS[format];
  if (!known) throw new Error(`Runware does not offer the format ${format}.`);
  return known;
}
