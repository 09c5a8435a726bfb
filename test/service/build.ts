import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** Brings dist up to src, as `npm start` would. */
export async function buildOnce(): Promise<void> {
  await promisify(execFile)(process.execPath, [fileURLToPath(new URL('../../build.mjs', import.meta.url))]);
}
