import type { Resolution } from '../../generation/provider-model.ts';
import type { ProviderRequest, RequestedSize, Sending } from '../../generation/provider-request.ts';
import { getModel, getWord } from '../get-offered.ts';
import { GPTIMAGE2_MODELS } from './models.ts';

const QUALITIES: Partial<Record<Resolution, string>> = { R2K: '2K', R4K: '4K' };

/** `callback_url` may have 2,048 characters (providers.md §1.4); a longer one would have the whole request refused. */
const MOST_CALLBACK_CHARACTERS = 2_048;

/** The body of a submission: only fields of seed 000 §3.3, and of those only what was asked for. */
export function compose(
  request: ProviderRequest,
  { callbackUrl }: Pick<Sending, 'callbackUrl'>,
): Record<string, unknown> {
  return {
    model: getModel('GPTImage2', GPTIMAGE2_MODELS, request.model).providerModelId,
    prompt: request.prompt,
    ...(request.images > 1 && { n: request.images }),
    ...(request.size && composeSize(request.size)),
    ...(request.references.length > 0 && { image_urls: request.references.map(({ uri }) => uri) }),
    ...(callbackUrl && callbackUrl.length <= MOST_CALLBACK_CHARACTERS && { callback_url: callbackUrl }),
  };
}

function composeSize(size: RequestedSize): Record<string, string> {
  if ('width' in size) return { size: `${size.width}x${size.height}` };
  if (!size.resolution) return { size: size.aspectRatio };
  // `quality` goes with a ratio only.
  return { size: size.aspectRatio, quality: getWord('GPTImage2', QUALITIES, size.resolution) };
}
