import { execFile } from 'node:child_process';
import { mkdir, readdir, rmdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { until } from './until.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const LOCK = join(tmpdir(), `darkroom-build-${process.getuid?.() ?? 0}`);

/** Brings dist up to src, as `npm start` would. Test files run side by side: one builds, the others find it done. */
export async function buildOnce(): Promise<void> {
  await until(takeLock, (taken) => taken);
  try {
    if (!(await isBuilt())) await promisify(execFile)(process.execPath, ['build.mjs'], { cwd: ROOT });
  } finally {
    await rmdir(LOCK);
  }
}

async function takeLock(): Promise<boolean> {
  // A run that was killed while it built leaves its lock.
  const held = await stat(LOCK).catch(() => null);
  if (held && Date.now() - held.mtimeMs > 10_000) await rmdir(LOCK).catch(() => {});
  return mkdir(LOCK).then(
    () => true,
    () => false,
  );
}

async function isBuilt(): Promise<boolean> {
  const built = await stat(join(ROOT, 'dist/main.js')).catch(() => null);
  const names = await readdir(join(ROOT, 'src'), { recursive: true });
  const sources = await Promise.all(names.map((name) => stat(join(ROOT, 'src', name))));
  return built !== null && sources.every(({ mtimeMs }) => mtimeMs <= built.mtimeMs);
}
