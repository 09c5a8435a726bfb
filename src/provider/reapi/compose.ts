import type { ImageFormat, Resolution } from '../../generation/provider-model.ts';
import type { ProviderRequest, RequestedSize } from '../../generation/provider-request.ts';
import { getModel, getWord } from '../get-offered.ts';
import { REAPI_MODELS } from './models.ts';

const TIERS: Partial<Record<Resolution, string>> = { R2K: '2K', R3K: '3K' };
const FORMATS: Partial<Record<ImageFormat, string>> = { JPEG: 'jpeg', PNG: 'png' };

/** The body of a submission: only fields of seed 002, and of those only what was asked for. */
export function compose(request: ProviderRequest): Record<string, unknown> {
  const { images, references, outputFormat, watermark } = request;
  return {
    model: getModel('reAPI', REAPI_MODELS, request.model).providerModelId,
    prompt: request.prompt,
    ...(request.size && composeSize(request.size, references.length > 0)),
    ...(images > 1 && { n: images }),
    ...(references.length > 0 && { image_urls: references.map(({ uri }) => uri) }),
    ...(outputFormat && { output_format: getWord('reAPI', FORMATS, outputFormat) }),
    ...(request.series && composeSeries(images)),
    ...(watermark !== null && { watermark }),
  };
}

/** Several images without a series leave it unset, as seed 002 advises: `n` alone promotes it. */
function composeSeries(images: number): Record<string, unknown> {
  return { sequential_image_generation: 'auto', sequential_image_generation_options: { max_images: images } };
}

function composeSize(size: RequestedSize, hasReferences: boolean): Record<string, string> {
  if ('width' in size) throw new Error('reAPI does not offer exact pixels.');
  // It is the ratio of the first one.
  if (size.aspectRatio === 'auto' && !hasReferences) throw new Error('reAPI offers auto with references only.');
  return { size: size.aspectRatio, ...(size.resolution && { resolution: getWord('reAPI', TIERS, size.resolution) }) };
}
