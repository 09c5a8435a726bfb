import { realpath } from 'node:fs/promises';
import path from 'node:path';

const KEY = /^\w[\w.-]{0,127}(?:\/\w[\w.-]{0,127}){0,7}$/;

/** Throws for a key that we would not have made. */
export function checkKey(key: string): void {
  if (!KEY.test(key)) throw new Error(`Not a storage key: ${JSON.stringify(key.slice(0, 100))}`);
}

/** The path of a key under `root`; throws for a key that we would not have made. */
export function pathOf(root: string, key: string): string {
  checkKey(key);
  return path.join(root, key);
}

/** Whether a folder, links resolved, is really under `root`; throws ENOENT when it is not there. */
export async function isInside(root: string, folder: string): Promise<boolean> {
  const [realRoot, real] = await Promise.all([realpath(root), realpath(folder)]);
  return real === realRoot || real.startsWith(realRoot + path.sep);
}
