import type { Caller } from '../workspace/caller.ts';
import { type ApiKey as ApiKeyShape, getWorkspace, type Workspace as WorkspaceShape } from '../workspace/find.ts';
import { builder } from './builder.ts';
import { ModeEnum, ScopeEnum } from './enums.ts';
import { Node } from './node.ts';

const Workspace = builder.objectRef<WorkspaceShape>('Workspace').implement({
  description: 'What keys, generations and images belong to. Nothing is seen from one in another.',
  interfaces: [Node],
  fields: (t) => ({ name: t.exposeString('name', { description: 'Unique in this installation.' }) }),
});

const ApiKey = builder.objectRef<ApiKeyShape>('ApiKey').implement({
  description: 'A key, without its secret.',
  interfaces: [Node],
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Given by whoever made it.' }),
    prefix: t.exposeString('prefix', { description: 'How the secret begins, to tell keys apart.' }),
    mode: t.expose('mode', { type: ModeEnum, description: 'What it may reach.' }),
    scopes: t.expose('scopes', { type: [ScopeEnum], description: 'What it may do.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', nullable: true, description: 'When it stops working.' }),
    revokedAt: t.expose('revokedAt', { type: 'DateTime', nullable: true, description: 'When it was revoked.' }),
  }),
});

const Viewer = builder.objectRef<Caller>('Viewer').implement({
  description: 'Who asks.',
  fields: (t) => ({
    workspace: t.field({
      type: Workspace,
      description: 'The workspace everything belongs to.',
      resolve: (caller, _args, { domain }) => getWorkspace(domain, caller),
    }),
    apiKey: t.field({
      type: ApiKey,
      nullable: true,
      description: 'The key that was sent; null where none is needed.',
      resolve: ({ apiKeyId }, _args, { loaders }) => (apiKeyId === null ? null : loaders.apiKey.load(apiKeyId)),
    }),
    scopes: t.field({ type: [ScopeEnum], description: 'What may be done.', resolve: ({ scopes }) => [...scopes] }),
    mode: t.expose('mode', { type: ModeEnum, description: 'What may be reached.' }),
  }),
});

builder.queryField('viewer', (t) =>
  t.field({ type: Viewer, description: 'Who asks.', resolve: (_root, _args, { caller }) => caller }),
);
