import type { ReportedImage } from './provider-report.ts';
import type { Asset } from './types.ts';

/**
 * Which of the known images of a task those of a list are; what is not in it is new. Lists are filtered and come in
 * another order each time, so an image is known by its name. Only where not one is does its place decide: its provider
 * gives no names, and other addresses every time.
 */
export function recognize(known: readonly Asset[], images: readonly ReportedImage[]): Map<ReportedImage, Asset> {
  // In the order in which they were reported, as their ids are, unlike their slots.
  const mine = [...known].sort((a, b) => (a.id < b.id ? -1 : 1));
  const found = new Map<ReportedImage, Asset>();
  // The whole address first: that of one image may differ from another's only in its query.
  for (const isSame of [hasSameUrl, hasSameName]) {
    for (const image of images) {
      const taken = new Set(found.values());
      const asset = found.has(image) ? undefined : mine.find((each) => !taken.has(each) && isSame(each, image));
      if (asset) found.set(image, asset);
    }
  }
  const isNamed =
    mine.some(({ imageName }) => imageName !== null) && images.some(({ name }) => typeof name === 'string');
  return found.size > 0 || isNamed ? found : byPlace(mine, images);
}

function hasSameUrl({ providerUrl }: Asset, { url }: ReportedImage): boolean {
  return providerUrl === url;
}

function hasSameName({ imageName, providerUrl }: Asset, { name, url }: ReportedImage): boolean {
  if (imageName !== null && typeof name === 'string') return imageName === name;
  return withoutQuery(providerUrl) === withoutQuery(url);
}

/** A query may hold a signature, which is another one each time. */
function withoutQuery(url: string): string {
  return url.replace(/[?#].*$/s, '');
}

function byPlace(mine: readonly Asset[], images: readonly ReportedImage[]): Map<ReportedImage, Asset> {
  return new Map(mine.flatMap((asset, place) => (images[place] ? [[images[place], asset] as const] : [])));
}
