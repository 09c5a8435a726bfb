import type { ByteRange, Kept, Storage } from '../storage/storage.ts';
import type { StoredFile } from './find-stored.ts';

/** Opens a file, or a range of it; null when it is not there. Throws when it is not as long as it was when it was stored. */
export async function openStored(
  storage: Pick<Storage, 'open'>,
  { storageKey, byteSize }: StoredFile,
  range?: ByteRange,
): Promise<Kept | null> {
  const file = await storage.open(storageKey, range);
  if (!file || file.byteSize === byteSize) return file;
  file.stream.destroy();
  throw new Error(`The file ${storageKey} is not as long as it was.`);
}
