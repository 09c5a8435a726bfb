import { inArray, sql } from 'drizzle-orm';
import type { Database } from '../db/connect.ts';
import { apiKeys } from '../db/schema.ts';
import { CredentialFault } from './authenticate.ts';

/** What is wrong by now with keys that were right once: one statement for all of them. */
export async function findFaultyKeys(db: Database, ids: readonly string[]): Promise<Map<string, CredentialFault>> {
  const rows = await db
    .select({
      id: apiKeys.id,
      revoked: sql<boolean>`${apiKeys.revokedAt} is not null`,
      expired: sql<boolean>`coalesce(${apiKeys.expiresAt} <= clock_timestamp(), false)`,
    })
    .from(apiKeys)
    .where(inArray(apiKeys.id, [...ids]));
  const found = new Map(rows.map((row) => [row.id, row]));
  const faults = new Map<string, CredentialFault>();
  for (const id of ids) {
    const key = found.get(id);
    if (!key || key.revoked) faults.set(id, new CredentialFault('This key was revoked.'));
    else if (key.expired) faults.set(id, new CredentialFault('This key has expired; use a fresh one.', true));
  }
  return faults;
}
