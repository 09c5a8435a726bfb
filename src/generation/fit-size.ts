import { fitting, inWords, type Part, unfit } from './fit-part.ts';
import { fitPixels } from './fit-pixels.ts';
import type { CreateInput } from './input.ts';
import type { ProviderModel, Resolution, SizeOffer } from './provider-model.ts';
import { RESOLUTIONS } from './provider-model.ts';
import type { RequestedSize } from './provider-request.ts';
import { ratiosOf, tiersOf } from './sizes.ts';
import type { Adjustment, Fit } from './types.ts';

interface Asked {
  aspectRatio: string;
  resolution: Resolution | null;
}

interface Terms {
  fit: Fit;
  hasReferences: boolean;
}

const RATIO = ['size', 'ratio', 'aspectRatio'];
const TIER = ['size', 'ratio', 'resolution'];

/** The size as this provider takes it, or what it would take instead. */
export function fitSize(asked: CreateInput['size'], model: ProviderModel, terms: Terms): Part<RequestedSize | null> {
  if (asked === null) return fitting(null);
  return 'width' in asked ? fitPixels(asked, model, terms.fit) : fitRatio(asked, model, terms);
}

/** A ratio and a tier only as they are offered together; under NEAREST first the ratio, then the tier, each the nearest. */
function fitRatio(asked: Asked, { sizes }: ProviderModel, { fit, hasReferences }: Terms): Part<RequestedSize | null> {
  const usable = sizes.filter(({ needsReferences }) => hasReferences || !needsReferences);
  const ratios = ratiosOf(usable);
  const isNearest = fit === 'NEAREST';
  const aspectRatio = isNearest ? nearestRatio(asked.aspectRatio, ratios) : asked.aspectRatio;
  if (aspectRatio === undefined || !ratios.includes(aspectRatio)) return unfit(...noSuchRatio(asked, sizes, usable));
  const tiers = usable.flatMap((each) => (each.aspectRatio === aspectRatio ? [each.resolution] : []));
  const resolution = isNearest ? nearestTier(asked.resolution, tiers) : asked.resolution;
  if (!tiers.includes(resolution)) return unfit(noSuchTier(asked, tiers, usable));
  return fitting(
    { aspectRatio, resolution },
    ...adjusted(RATIO, asked.aspectRatio, aspectRatio, 'the nearest ratio offered'),
    ...adjusted(TIER, asked.resolution, resolution, resolution ? 'the nearest tier offered' : NO_TIER),
  );
}

const NO_TIER = 'offered without a tier only';

/** `auto` has no shape, and so nothing is near it. */
function nearestRatio(asked: string, offered: readonly string[]): string | undefined {
  if (asked === 'auto' || offered.includes(asked)) return asked;
  const distance = (ratio: string) => Math.abs(Math.log(shapeOf(ratio) / shapeOf(asked)));
  return offered.filter((ratio) => ratio !== 'auto').sort((a, b) => distance(a) - distance(b))[0];
}

/** A tier down: a larger one may cost more. The smallest offered when none is below, and none where there are none. */
function nearestTier(asked: Resolution | null, offered: readonly (Resolution | null)[]): Resolution | null {
  if (offered.includes(asked)) return asked;
  const rank = (tier: Resolution) => RESOLUTIONS.indexOf(tier);
  const sorted = offered.filter((tier) => tier !== null).sort((a, b) => rank(a) - rank(b));
  const below = asked === null ? undefined : sorted.findLast((tier) => rank(tier) < rank(asked));
  return below ?? sorted[0] ?? null;
}

/** The tier too where no ratio goes with it: one look should be enough. */
function noSuchRatio({ aspectRatio, resolution }: Asked, sizes: readonly SizeOffer[], usable: readonly SizeOffer[]) {
  const [ratios, tiers] = [ratiosOf(usable), tiersOf(usable)];
  const withReferences = ratiosOf(sizes).includes(aspectRatio) ? 'without references' : '';
  const misfits = [{ path: RATIO, message: notOffered(aspectRatio, withReferences, ratios), allowed: ratios }];
  if (resolution === null || tiers.includes(resolution)) return misfits;
  return [...misfits, { path: TIER, message: notOffered(resolution, '', tiers), allowed: tiers }];
}

/** A tier that goes with other ratios is told apart from one that nobody here has. */
function noSuchTier(
  { aspectRatio, resolution }: Asked,
  offered: readonly (Resolution | null)[],
  usable: readonly SizeOffer[],
) {
  const tiers = offered.filter((tier) => tier !== null);
  const allowed = tiers.length > 0 ? tiers : [NOTHING];
  const isForeign = resolution !== null && !tiersOf(usable).includes(resolution);
  const message = notOffered(resolution ?? NOTHING, isForeign ? '' : `with ${aspectRatio}`, allowed);
  return { path: TIER, message, allowed };
}

const NOTHING = 'no resolution';

function notOffered(asked: string, when: string, offered: readonly string[]): string {
  const instead = offered.length === 0 ? 'no ratio is' : inWords(offered);
  return `${asked} is not offered${when && ` ${when}`}; ${instead}.`;
}

function adjusted(path: string[], asked: string | null, sent: string | null, reason: string): Adjustment[] {
  return asked === sent ? [] : [{ path, asked, sent, reason }];
}

function shapeOf(ratio: string): number {
  const [width, height] = ratio.split(':').map(Number);
  return (width ?? 1) / (height ?? 1);
}
