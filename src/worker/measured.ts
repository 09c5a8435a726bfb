import type { Domain } from '../generation/domain.ts';
import type { Pixels, ProviderModel } from '../generation/provider-model.ts';
import type { Asset, Task } from '../generation/types.ts';
import type { Provider } from '../provider/provider.ts';

/** Tells of an image that has other pixels than its provider documents for what it was asked. It is kept in any case. */
export function compareSize(
  { log }: Pick<Domain, 'log'>,
  { slug, models }: Pick<Provider, 'slug' | 'models'>,
  { request }: Pick<Task, 'request'>,
  { id }: Pick<Asset, 'id'>,
  { width, height }: Pixels,
): void {
  const asked = askedFor(
    request,
    models.find(({ model }) => model === request.model),
  );
  if (!asked || (asked.width === width && asked.height === height)) return;
  log.warn(
    { asset: id, provider: slug, asked, has: { width, height } },
    'an image has another size than was asked for',
  );
}

/** Null where no source says what the provider makes of it. */
function askedFor({ size }: Task['request'], model: ProviderModel | undefined): Pixels | null {
  if (size === null) return model?.defaultPixels ?? null;
  if ('width' in size) return size;
  const { aspectRatio, resolution } = size;
  const offer = model?.sizes.find((each) => each.aspectRatio === aspectRatio && each.resolution === resolution);
  return offer?.pixels ?? null;
}
