import { and, eq, inArray } from 'drizzle-orm';
import type { Database } from '../db/connect.ts';
import { isId } from '../db/id.ts';
import { apiKeys, workspaces } from '../db/schema.ts';
import type { Caller, Mode, Scope } from './caller.ts';

export interface Workspace {
  id: string;
  name: string;
}

/** A key as its owner may see it: never the key itself. */
export interface ApiKey {
  id: string;
  name: string;
  prefix: string;
  mode: Mode;
  scopes: Scope[];
  createdAt: Date;
  expiresAt: Date | null;
  revokedAt: Date | null;
}

export async function getWorkspace({ db }: { db: Database }, { workspaceId }: Caller): Promise<Workspace> {
  const [found] = await db.select().from(workspaces).where(eq(workspaces.id, workspaceId));
  if (!found) throw new Error(`The workspace ${workspaceId} is gone.`);
  return found;
}

/** Those of these keys that are the workspace's, in no order. */
export async function listApiKeys(
  { db }: { db: Database },
  { workspaceId }: Caller,
  ids: readonly string[],
): Promise<ApiKey[]> {
  const real = ids.filter((id) => isId('key', id));
  if (real.length === 0) return [];
  const found = await db
    .select()
    .from(apiKeys)
    .where(and(inArray(apiKeys.id, real), eq(apiKeys.workspaceId, workspaceId)));
  return found.map((key) => ({ ...key, mode: key.mode as Mode, scopes: key.scopes as Scope[] }));
}
