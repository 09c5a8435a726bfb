import { Fault } from '../fault.ts';
import { getWorkspace } from '../workspace/find.ts';
import { builder } from './builder.ts';
import { findModel, findProvider } from './catalogue.ts';
import type { Context } from './context.ts';

const MOST_NODES = 100;

export const Node = builder.interfaceRef<{ id: string }>('Node').implement({
  description: 'Anything with an id of its own that can be read again by it.',
  resolveType: ({ id }) => TYPES[prefixOf(id)]?.name ?? null,
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Opaque and unique among everything; its prefix tells the type.' }),
  }),
});

/** By prefix of the id: its type, and how one is found. A loader makes one statement of many. */
const TYPES: Record<string, { name: string; find: (id: string, context: Context) => Promise<object | null> }> = {
  gen: { name: 'Generation', find: (id, { loaders }) => loaders.generation.load(id) },
  tsk: { name: 'Task', find: (id, { loaders }) => loaders.task.load(id) },
  ast: { name: 'Asset', find: (id, { loaders }) => loaders.asset.load(id) },
  evt: { name: 'Event', find: (id, { loaders }) => loaders.event.load(id) },
  mdl: { name: 'Model', find: async (id, context) => findModel(context, id) },
  prv: { name: 'Provider', find: async (id, context) => findProvider(context, id) },
  wsp: {
    name: 'Workspace',
    find: async (id, { domain, caller }) => (id === caller.workspaceId ? getWorkspace(domain, caller) : null),
  },
  key: { name: 'ApiKey', find: (id, { loaders }) => loaders.apiKey.load(id) },
};

builder.queryField('node', (t) =>
  t.field({
    type: Node,
    nullable: true,
    description: 'Whatever has this id; null when there is none, or when it is not yours.',
    args: { id: t.arg.id({ required: true, description: 'An id this API gave out.' }) },
    resolve: (_root, { id }, context) => find(id, context),
  }),
);

builder.queryField('nodes', (t) =>
  t.field({
    type: [Node],
    nullable: { list: false, items: true },
    description: 'Several at once, in the order asked for; null in the place of what is not there or not yours.',
    args: { ids: t.arg.idList({ required: true, description: 'Ids this API gave out, at most 100.' }) },
    resolve: (_root, { ids }, context) => {
      if (ids.length > MOST_NODES) {
        throw new Fault(
          'BAD_USER_INPUT',
          `ids has ${ids.length} entries; at most ${MOST_NODES} are read at once.`,
          'ids',
          [`1 to ${MOST_NODES} ids`],
        );
      }
      return Promise.all(ids.map((id) => find(id, context)));
    },
  }),
);

async function find(id: string, context: Context): Promise<{ id: string } | null> {
  const prefix = prefixOf(id);
  // Not every name an object answers to is a prefix: `toString` is none.
  const found = Object.hasOwn(TYPES, prefix) && (await TYPES[prefix]?.find(id, context));
  return (found || null) as { id: string } | null;
}

function prefixOf(id: string): string {
  return id.split('_', 1)[0] ?? '';
}
