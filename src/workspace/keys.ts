import { createHash } from 'node:crypto';
import type { Database, Transaction } from '../db/connect.ts';
import { newId } from '../db/id.ts';
import { apiKeys, workspaces } from '../db/schema.ts';
import { type Mode, SCOPES } from './caller.ts';

/** How much of a key may be shown: enough to tell two apart. */
export const PREFIX_LENGTH = 12;

export interface BootstrapKey {
  workspace: string;
  key: string;
}

/** Makes the workspace `default` and the workspaces and keys of the configuration, where they are not there yet. */
export async function bootstrapWorkspaces(db: Database, keys: readonly BootstrapKey[]): Promise<void> {
  await db.transaction(async (tx) => {
    await ensureWorkspace(tx, 'default');
    for (const { workspace, key } of keys) {
      const workspaceId = await ensureWorkspace(tx, workspace);
      await tx
        .insert(apiKeys)
        .values({
          id: newId('key'),
          workspaceId,
          name: 'bootstrap',
          prefix: key.slice(0, PREFIX_LENGTH),
          hash: hashKey(key),
          mode: modeOf(key),
          scopes: [...SCOPES],
        })
        .onConflictDoNothing();
    }
  });
}

/** Whether anybody can call who has to show a key. */
export async function hasKeys(db: Database): Promise<boolean> {
  return (await db.select({ id: apiKeys.id }).from(apiKeys).limit(1)).length > 0;
}

export function hashKey(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

function modeOf(key: string): Mode {
  return key.startsWith('sk_live_') ? 'LIVE' : 'TEST';
}

async function ensureWorkspace(tx: Transaction, name: string): Promise<string> {
  const [made] = await tx
    .insert(workspaces)
    .values({ id: newId('wsp'), name })
    .onConflictDoUpdate({ target: workspaces.name, set: { name } })
    .returning({ id: workspaces.id });
  if (!made) throw new Error(`The workspace ${name} could not be made.`);
  return made.id;
}
