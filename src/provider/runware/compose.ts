import type { ImageFormat, Pixels, ProviderModel } from '../../generation/provider-model.ts';
import type { ProviderRequest, Safety, Sending } from '../../generation/provider-request.ts';
import { getModel, getWord } from '../get-offered.ts';
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
  const model = getModel('Runware', RUNWARE_MODELS, request.model);
  return {
    tasks: [
      {
        taskType: 'imageInference',
        taskUUID: reference,
        model: model.providerModelId,
        positivePrompt: request.prompt,
        ...composeSize(model, request.size),
        outputType: 'URL',
        deliveryMethod: 'async',
        includeCost: true,
        ...(images > 1 && !series && { numberResults: images }),
        ...(outputFormat && { outputFormat: getWord('Runware', FORMATS, outputFormat) }),
        ...(outputQuality !== null && { outputQuality }),
        ...SAFETY[safety],
        // Its default is UNKNOWN (providers.md §3.1): what we hold to be true is asked for.
        ttl: ttlSeconds ?? model.resultTtlSeconds,
        ...(references.length > 0 && { inputs: { referenceImages: references.map(({ uri }) => uri) } }),
        ...composeSettings(request),
        ...(callbackUrl && { webhookURL: callbackUrl }),
      },
    ],
  };
}

/** Width and height are required together. */
function composeSize({ sizes, defaultPixels }: ProviderModel, size: ProviderRequest['size']): Pixels {
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
