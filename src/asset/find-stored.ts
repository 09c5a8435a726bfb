import { and, eq } from 'drizzle-orm';
import type { Database } from '../db/connect.ts';
import { assets } from '../db/schema.ts';

export interface StoredFile {
  storageKey: string;
  mimeType: string;
  byteSize: number;
  /** Belongs to these bytes and to no others, lower-case hex. */
  tag: string;
}

/** The file of a stored asset, for whoever holds a signed link to it; null when there is none. */
export async function findStoredFile(db: Database, assetId: string): Promise<StoredFile | null> {
  const [found] = await db
    .select()
    .from(assets)
    .where(and(eq(assets.id, assetId), eq(assets.state, 'STORED')));
  if (!found?.storageKey || !found.mimeType || !found.sha256 || found.byteSize === null) return null;
  const { storageKey, mimeType, byteSize, sha256: tag } = found;
  return { storageKey, mimeType, byteSize, tag };
}
