import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, rename, utimes } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { claimFolder } from '../../src/db/embedded/owner.ts';
import { makeFolder } from './folder.ts';

const asRoot = process.getuid?.() === 0;
const NOBODY = 65_534;

test('of many starts at once after a crash exactly one claims the folder, and the others are told who has it', async () => {
  for (let round = 0; round < 10; round++) {
    const folder = await makeFolder();
    await leaveStale(folder);
    const claims = await Promise.allSettled(Array.from({ length: 8 }, () => claimFolder(folder)));
    const claimed = claims.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const refused = claims.flatMap((one) => (one.status === 'rejected' ? [String(one.reason)] : []));
    for (const one of claimed) onTestFinished(() => one.release());
    expect(claimed).toHaveLength(1);
    const sentence = `Error: The database in ${folder} is in use by process ${process.pid}; set DATABASE_URL or another DATA_DIR.`;
    expect(refused).toEqual(Array(7).fill(sentence));
  }
});

test('a released folder holds neither mark nor lock, and can be claimed again', async () => {
  const folder = await makeFolder();
  const first = await claimFolder(folder);
  expect(await readdir(folder)).toEqual(['postgres.owner']);
  await first.release();
  expect(await readdir(folder)).toEqual([]);
  const second = await claimFolder(folder);
  await second.release();
});

test('a lock that a process left when it died does not keep the next from starting', async () => {
  const folder = await makeFolder();
  const lock = join(folder, 'postgres.owner.lock');
  await mkdir(lock);
  await utimes(lock, new Date(0), new Date(0));
  const claim = await claimFolder(folder);
  await expect(readdir(folder)).resolves.toEqual(['postgres.owner']);
  await claim.release();
});

test.skipIf(!asRoot).each([
  ['that others may connect to', 0o777],
  ['that others may not even ask', 0o755],
])('a stale mark of another user %s, which cannot be unlinked, is refused in a sentence', async (_what, mode) => {
  const folder = await makeFolder();
  await leaveStale(folder);
  await chmod(join(folder, 'postgres.owner'), mode);
  // As in /tmp: all may write, and nobody may unlink what is not theirs.
  await chmod(folder, 0o1777);
  expect(await claimAs(NOBODY, folder)).toBe(
    `EmbeddedError: This process may not replace ${folder}/postgres.owner, which marks who uses the database in ${folder}: give it to this user, remove it if no process uses it, or set DATABASE_URL or another DATA_DIR.\n`,
  );
});

/** What a killed process leaves: a socket that nobody listens to. */
async function leaveStale(folder: string): Promise<void> {
  const server = createServer().listen(join(folder, 'dying'));
  await once(server, 'listening');
  await rename(join(folder, 'dying'), join(folder, 'postgres.owner'));
  server.close();
  await once(server, 'close');
}

async function claimAs(uid: number, folder: string): Promise<string> {
  const script = fileURLToPath(new URL('./fixtures/claim.ts', import.meta.url));
  const options = { uid, gid: uid, timeout: 15_000, env: { ...process.env, HOME: folder } };
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script, folder], options);
  return stdout;
}
