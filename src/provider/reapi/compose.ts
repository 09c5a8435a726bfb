import type { ImageFormat, ProviderRequest, RequestedSize, Resolution } from '../../generation/provider.ts';
import { REAPI_MODELS } from './models.ts';

const TIERS: Partial<Record<Resolution, string>> = { R2K: '2K', R3K: '3K' };
const FORMATS: Partial<Record<ImageFormat, string>> = { JPEG: 'jpeg', PNG: 'png' };

/** The body of a submission: only fields of seed 002, and of those only what was asked for. */
export function compose(request: ProviderRequest): Record<string, unknown> {
  const { images, references, outputFormat, watermark } = request;
  return {
    model: getModelId(request.model),
    prompt: request.prompt,
    ...(request.size && composeSize(request.size, references.length > 0)),
    ...(images > 1 && { n: images }),
    ...(references.length > 0 && { image_urls: references.map(({ uri }) => uri) }),
    ...(outputFormat && { output_format: get(FORMATS, outputFormat) }),
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
  return { size: size.aspectRatio, ...(size.resolution && { resolution: get(TIERS, size.resolution) }) };
}

function getModelId(model: string): string {
  const known = REAPI_MODELS.find((candidate) => candidate.model === model);
  if (!known) throw new Error(`reAPI does not offer the model ${model}.`);
  return known.providerModelId;
}

function get<Word extends string>(words: Partial<Record<Word, string>>, word: Word): string {
  const known = words[word];
  if (!known) throw new Error(`reAPI does not offer ${word}.`);
  return known;
}
