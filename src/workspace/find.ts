import { and, eq } from 'drizzle-orm';
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

export async function findApiKey(
  { db }: { db: Database },
  { workspaceId }: Caller,
  id: string,
): Promise<ApiKey | null> {
  if (!isId('key', id)) return null;
  const [found] = await db
    .select()
    .from(apiKeys)
    .where(and(eq(apiKeys.id, id), eq(apiKeys.workspaceId, workspaceId)));
  return found ? { ...found, mode: found.mode as ApiKey['mode'], scopes: found.scopes as Scope[] } : null;
}
