import { LONGEST_SIDE, planVariant, type VariantWish } from '../asset/variant.ts';
import { checkRange } from '../generation/range.ts';
import type { Asset } from '../generation/types.ts';
import { builder } from './builder.ts';
import { AssetStateEnum, ImageFitEnum, ImageFormatEnum } from './enums.ts';
import { Node } from './node.ts';

const DEFAULT_TTL_SECONDS = 3600;
const LONGEST_TTL_SECONDS = 7 * 24 * 3600;

const ExpiringUri = builder.objectRef<{ uri: string; expiresAt: Date | null }>('ExpiringUri').implement({
  description: 'A link that stops working.',
  fields: (t) => ({
    uri: t.expose('uri', { type: 'URI', description: 'The link.' }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', nullable: true, description: 'When it stops working.' }),
  }),
});

builder.objectType('Asset', {
  description: "One finished image, kept in the operator's own storage.",
  interfaces: [Node],
  fields: (t) => ({
    generation: t.field({
      type: 'Generation',
      description: 'What it was made for.',
      resolve: async ({ generationId }, _args, { loaders }) => {
        const generation = await loaders.generation.load(generationId);
        if (!generation) throw new Error(`The generation ${generationId} of an asset is gone.`);
        return generation;
      },
    }),
    task: t.field({
      type: 'Task',
      nullable: true,
      description: 'The task that made it.',
      resolve: ({ taskId }, _args, { loaders }) => loaders.task.load(taskId),
    }),
    index: t.exposeInt('index', { description: 'Its slot, from 0.' }),
    state: t.expose('state', { type: AssetStateEnum, description: 'Where it is.' }),
    url: t.field({
      type: ExpiringUri,
      nullable: true,
      description:
        "Our own signed link, ending in the file's extension; null until STORED. Its expiry is rounded up so that reads within half the ttl give the same bytes: normalized and HTTP caches hold. Without width, height and format it is the stored file; else one made of it at its first request and kept: upright, in sRGB, without metadata, and never enlarged, so it may be smaller than asked for. `width`, `height`, `byteSize` and `sha256` of the asset stay those of the stored file.",
      args: {
        width: t.arg.int({
          description: `In pixels, 1 to ${LONGEST_SIDE}. With only one of width and height the shape is kept; with neither it is made smaller only past ${LONGEST_SIDE} pixels, and only where the format changes.`,
        }),
        height: t.arg.int({ description: `In pixels, 1 to ${LONGEST_SIDE}.` }),
        fit: t.arg({
          type: ImageFitEnum,
          defaultValue: 'COVER',
          description: 'How it fills width and height where both are given.',
        }),
        format: t.arg({
          type: ImageFormatEnum,
          defaultValue: 'ORIGINAL',
          description: 'ORIGINAL: the format of the stored file. AVIF takes seconds the first time.',
        }),
        ttlSeconds: t.arg.int({
          defaultValue: DEFAULT_TTL_SECONDS,
          description: `How long it works at least: 60 to ${LONGEST_TTL_SECONDS} seconds.`,
        }),
      },
      resolve: (asset, { width, height, fit, format, ttlSeconds }, { links }) => {
        const seconds = ttlSeconds ?? DEFAULT_TTL_SECONDS;
        if (width != null) checkRange('width', width, 1, LONGEST_SIDE);
        if (height != null) checkRange('height', height, 1, LONGEST_SIDE);
        checkRange('ttlSeconds', seconds, 60, LONGEST_TTL_SECONDS);
        const form = formOf(asset, {
          width: width ?? null,
          height: height ?? null,
          fit: fit ?? 'COVER',
          format: format ?? 'ORIGINAL',
        });
        return form === null ? null : links.sign(asset.id, form, seconds, new Date());
      },
    }),
    providerUrl: t.field({
      type: ExpiringUri,
      nullable: true,
      description:
        "The provider's URL with its true expiry: usable while the asset is still being collected. Null once it has expired.",
      resolve: ({ providerUrl, providerUrlExpiresAt }) =>
        providerUrlExpiresAt && providerUrlExpiresAt.getTime() <= Date.now()
          ? null
          : { uri: providerUrl, expiresAt: providerUrlExpiresAt },
    }),
    seed: t.exposeString('seed', { nullable: true, description: 'As the provider reported it.' }),
    thumbhash: t.exposeString('thumbhash', {
      nullable: true,
      description: 'Base64, about 25 bytes: a blur to show at once.',
    }),
    width: t.exposeInt('width', {
      nullable: true,
      description: 'In pixels as displayed, measured from the bytes, not copied from the request.',
    }),
    height: t.exposeInt('height', { nullable: true, description: 'In pixels as displayed, measured from the bytes.' }),
    mimeType: t.exposeString('mimeType', { nullable: true, description: 'What the bytes are, such as image/jpeg.' }),
    byteSize: t.exposeInt('byteSize', { nullable: true, description: 'Size of the file in bytes.' }),
    sha256: t.exposeString('sha256', { nullable: true, description: 'Of the file, lower-case hex.' }),
    failure: t.expose('failure', { type: 'Failure', nullable: true, description: 'Why it was LOST.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When the provider had finished it.' }),
    deletedAt: t.expose('deletedAt', { type: 'DateTime', nullable: true, description: 'When it was deleted.' }),
  }),
});

/** What a link to it leads to: a variant, or the stored file by its extension; null while there is none. */
function formOf({ state, storageKey, width, height }: Asset, wish: VariantWish) {
  const extension = storageKey?.split('.').pop();
  if (state !== 'STORED' || !extension || width === null || height === null) return null;
  return planVariant({ width, height, extension }, wish) ?? extension;
}
