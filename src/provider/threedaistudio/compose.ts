import type { ProviderRequest } from '../../generation/provider-request.ts';
import { getModel } from '../get-offered.ts';
import { THREEDAISTUDIO_MODELS } from './models.ts';
import { getPreset } from './presets.ts';

/** The body of a submission: only fields of seed 003, and of those only what was asked for. */
export function compose(request: ProviderRequest): Record<string, unknown> {
  const { prompt, size, images, references, seed, safety } = request;
  // The path names it: there is no field for it.
  getModel('3D AI Studio', THREEDAISTUDIO_MODELS, request.model);
  return {
    prompt,
    // Bytes, although the name says URLs.
    ...(references.length > 0 && { image_urls: references.map(({ uri }) => uri) }),
    ...(size && { image_size: getPreset(size) }),
    ...(images > 1 && { num_images: images }),
    ...(seed !== null && { seed }),
    ...(safety !== 'DEFAULT' && { enable_safety_checker: safety === 'ON' }),
  };
}
