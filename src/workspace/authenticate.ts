import { timingSafeEqual } from 'node:crypto';
import { and, eq, getTableColumns, isNull, sql } from 'drizzle-orm';
import type { Database } from '../db/connect.ts';
import { apiKeys, workspaces } from '../db/schema.ts';
import { Fault } from '../fault.ts';
import { type Caller, SCOPES, type Scope } from './caller.ts';
import { hashKey, PREFIX_LENGTH } from './keys.ts';

/** A credential that was wrong from the start or was revoked is final; an expired one can be replaced. */
export class CredentialFault extends Fault {
  readonly expired: boolean;
  constructor(message: string, expired = false) {
    super('UNAUTHENTICATED', message, 'authorization');
    this.expired = expired;
  }
}

/**
 * Who asks, from the value of an `Authorization` header or of `authorization` in a connection_init payload. Without
 * one, the workspace `default` in TEST mode, where `open` says that nothing can be billed and nobody else can ask.
 */
export async function authenticate(db: Database, authorization: string | undefined, open: boolean): Promise<Caller> {
  if (!authorization) {
    if (open) return openCaller(db);
    throw new CredentialFault('A key is needed: send the header "Authorization: Bearer sk_…".');
  }
  const key = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
  if (!key) throw new CredentialFault('The authorization must be written "Bearer sk_…".');
  const hash = Buffer.from(hashKey(key));
  const alike = await db
    .select({ ...getTableColumns(apiKeys), expired: sql<boolean | null>`${apiKeys.expiresAt} <= clock_timestamp()` })
    .from(apiKeys)
    .where(and(eq(apiKeys.prefix, key.slice(0, PREFIX_LENGTH)), isNull(apiKeys.revokedAt)));
  const found = alike.find((each) => timingSafeEqual(Buffer.from(each.hash), hash));
  if (!found) throw new CredentialFault('This key is not known, or was revoked.');
  if (found.expired) {
    throw new CredentialFault('This key has expired; use a fresh one.', true);
  }
  return {
    workspaceId: found.workspaceId,
    mode: found.mode as Caller['mode'],
    scopes: found.scopes as Scope[],
    apiKeyId: found.id,
  };
}

async function openCaller(db: Database): Promise<Caller> {
  const [workspace] = await db.select().from(workspaces).where(eq(workspaces.name, 'default'));
  if (!workspace) throw new Error('The workspace "default" is missing; it is made at every start.');
  return { workspaceId: workspace.id, mode: 'TEST', scopes: SCOPES, apiKeyId: null };
}
