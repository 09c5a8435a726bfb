import { constants } from 'node:fs';
import { type FileHandle, open, rmdir, unlink } from 'node:fs/promises';
import path from 'node:path';
import { hasCode } from './has-code.ts';
import { isInside, pathOf } from './key.ts';
import { moveInto } from './move-into.ts';
import { receiveFile } from './receive.ts';
import type { ByteRange, Kept, Storage } from './storage.ts';
import { sweepFolder } from './sweep.ts';

/** Keeps files in a folder, which any number of processes may share. The folder is made when first needed. */
export function createDiskStorage(folder: string): Storage {
  const root = path.resolve(folder);
  // Inside the same folder, so that keeping a file is a rename; no key starts with a dot.
  const incoming = path.join(root, '.incoming');
  const receive = () => receiveFile(incoming, (received, key) => moveInto(root, received, key));

  return {
    receive,
    open: (key, range) => openFile(root, key, (handle) => toKept(handle, range)),
    sizeOf: (key) => openFile(root, key, measure),
    remove: (key) => removeFile(root, key),
    sweep: () => sweepFolder(incoming),
    async check() {
      const tried = await receive();
      await tried.write(Buffer.from('can this be written?'));
      await tried.discard();
    },
    stop: async () => {},
  };
}

async function openFile<T>(root: string, key: string, use: (handle: FileHandle) => Promise<T>): Promise<T | null> {
  const place = pathOf(root, key);
  try {
    if (!(await isInside(root, path.dirname(place)))) throw new Error('It leads out of the storage folder.');
    return await use(await open(place, constants.O_RDONLY | constants.O_NOFOLLOW));
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) return null;
    throw new Error(`Could not open ${key}.`, { cause });
  }
}

async function toKept(handle: FileHandle, range?: ByteRange): Promise<Kept> {
  try {
    const { size } = await handle.stat();
    return { stream: handle.createReadStream(range ?? {}), byteSize: size };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function measure(handle: FileHandle): Promise<number> {
  try {
    return (await handle.stat()).size;
  } finally {
    await handle.close();
  }
}

async function removeFile(root: string, key: string): Promise<void> {
  const place = pathOf(root, key);
  try {
    if (!(await isInside(root, path.dirname(place)))) throw new Error('It leads out of the storage folder.');
    await unlink(place);
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) return;
    throw new Error(`Could not remove ${key}.`, { cause });
  }
  const folder = path.dirname(place);
  // The folder of a generation whose files are all gone goes too; refused by the system while it holds any.
  if (folder !== root) await rmdir(folder).catch(() => {});
}
