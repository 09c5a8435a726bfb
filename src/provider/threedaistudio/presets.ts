import type { Resolution } from '../../generation/provider-model.ts';
import type { RequestedSize } from '../../generation/provider-request.ts';

interface Preset {
  aspectRatio: string;
  resolution: Resolution | null;
  name: string;
}

/** The sizes of seed 003 in our words. `square` is left out: which of the two squares is larger is all that is known. */
export const PRESETS: readonly Preset[] = [
  { aspectRatio: '1:1', resolution: null, name: 'square_hd' },
  { aspectRatio: '4:3', resolution: null, name: 'landscape_4_3' },
  { aspectRatio: '3:4', resolution: null, name: 'portrait_4_3' },
  { aspectRatio: '16:9', resolution: null, name: 'landscape_16_9' },
  { aspectRatio: '9:16', resolution: null, name: 'portrait_16_9' },
  { aspectRatio: 'auto', resolution: null, name: 'auto_2K' },
  { aspectRatio: 'auto', resolution: 'R2K', name: 'auto_2K' },
  { aspectRatio: 'auto', resolution: 'R3K', name: 'auto_3K' },
];

/** The named size of a ratio, with a tier only for `auto`. */
export function getPreset(size: RequestedSize): string {
  const preset = PRESETS.find(
    (each) => 'aspectRatio' in size && each.aspectRatio === size.aspectRatio && each.resolution === size.resolution,
  );
  if (!preset) throw new Error(`3D AI Studio does not offer the size ${JSON.stringify(size)}.`);
  return preset.name;
}
