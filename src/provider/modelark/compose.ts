import type { ImageFormat, ProviderModel, Resolution } from '../../generation/provider-model.ts';
import type { ProviderRequest, RequestedSize } from '../../generation/provider-request.ts';
import { getModel, getWord } from '../get-offered.ts';
import { findPixels } from '../seedream-sizes.ts';
import { MODELARK_MODELS } from './models.ts';

const LABELS: Partial<Record<Resolution, string>> = { R2K: '2K', R3K: '3K', R4K: '4K' };
const FORMATS: Partial<Record<ImageFormat, string>> = { JPEG: 'jpeg', PNG: 'png' };

/** The body of a submission, with fields of providers.md §2.1 only. Each image is told of as soon as it is there. */
export function compose(request: ProviderRequest): Record<string, unknown> {
  const { prompt, size, references, outputFormat, watermark, options } = request;
  const model = getModel('ModelArk', MODELARK_MODELS, request.model);
  return {
    model: model.providerModelId,
    prompt,
    ...(references.length > 0 && { image: composeReferences(references) }),
    ...(size && { size: composeSize(model, size) }),
    ...composeSeries(request),
    ...(outputFormat && { output_format: getWord('ModelArk', FORMATS, outputFormat) }),
    response_format: 'url',
    // Its own default is a visible mark.
    watermark: watermark ?? false,
    stream: true,
    ...(options?.modelark?.webSearch && { tools: [{ type: 'web_search' }] }),
  };
}

function composeReferences(references: readonly { uri: string }[]): string | string[] {
  const [first, ...others] = references.map(({ uri }) => uri);
  return first !== undefined && others.length === 0 ? first : references.map(({ uri }) => uri);
}

function composeSize(model: ProviderModel, size: RequestedSize): string {
  if ('aspectRatio' in size && size.aspectRatio === 'auto')
    return getWord('ModelArk', LABELS, size.resolution ?? 'R2K');
  const pixels = findPixels(model.sizes, size);
  if (!pixels) throw new Error(`ModelArk does not offer the size ${JSON.stringify(size)}.`);
  return `${pixels.width}x${pixels.height}`;
}

/** `disabled` is the default, and said all the same: one request is then one image, and what is lost with it is one. */
function composeSeries({ series, images }: ProviderRequest): Record<string, unknown> {
  if (!series) return { sequential_image_generation: 'disabled' };
  return { sequential_image_generation: 'auto', sequential_image_generation_options: { max_images: images } };
}
