import { Fault } from '../fault.ts';
import type { Asset } from '../generation/types.ts';
import { builder } from './builder.ts';
import { AssetStateEnum } from './enums.ts';
import { Node } from './node.ts';

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
        "Our own signed link, ending in the file's extension; null until STORED. Its expiry is rounded up so that reads within half the ttl give the same bytes: normalized and HTTP caches hold.",
      args: {
        ttlSeconds: t.arg.int({
          required: true,
          defaultValue: 3600,
          description: 'How long it works at least: 60 to 604800 seconds.',
        }),
      },
      resolve: (asset, { ttlSeconds }, { links }) => {
        if (ttlSeconds < 60 || ttlSeconds > LONGEST_TTL_SECONDS) {
          const allowed = `60 to ${LONGEST_TTL_SECONDS}`;
          throw new Fault('BAD_USER_INPUT', `ttlSeconds must be from ${allowed}.`, 'ttlSeconds', [allowed]);
        }
        return linkTo(asset, (extension) => links.sign(asset.id, extension, ttlSeconds, new Date()));
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

function linkTo<T>({ state, storageKey }: Asset, sign: (extension: string) => T): T | null {
  const extension = storageKey?.split('.').pop();
  return state === 'STORED' && extension ? sign(extension) : null;
}
