import { execFile } from 'node:child_process';
import { chmod, cp, lstat, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
import { findAccount } from '../../src/db/embedded/account.ts';
import { type Binaries, prepareBinaries } from '../../src/db/embedded/binaries.ts';
import { findPackage, type Package } from '../../src/db/embedded/package.ts';
import { makeFolder } from './folder.ts';

const asRoot = process.getuid?.() === 0;
let installed: Package;
beforeAll(async () => {
  installed = await findPackage();
});

test('the library links that a skipped install script did not make are made', async () => {
  const folder = await copyWithoutLinks(await makeFolder());
  const binaries = await prepareBinaries({ ...installed, folder }, await makeFolder(), null);
  expect((await lstat(join(folder, 'native', 'lib', 'libpq.so.5'))).isSymbolicLink()).toBe(true);
  expect(binaries.initdb).toBe(join(folder, 'native', 'bin', 'initdb'));
  expect(await versions(binaries)).toEqual([expect.stringContaining('18.'), expect.stringContaining('18.')]);
});

// Only root changes to another user, who then may not reach what root can.
test.skipIf(!asRoot)(
  'as root, binaries in a folder closed to the server’s user run from a copy in DATA_DIR',
  async () => {
    const closed = join(await makeFolder(), 'closed');
    await mkdir(closed);
    const folder = await copyWithoutLinks(closed);
    await chmod(closed, 0o700);
    const dataDir = await makeFolder();
    const account = await findAccount(join(dataDir, 'postgres'));
    const binaries = await prepareBinaries({ ...installed, folder }, dataDir, account);
    expect(binaries.initdb.startsWith(dataDir)).toBe(true);
    expect(await versions(binaries, account)).toEqual([expect.stringContaining('18.'), expect.stringContaining('18.')]);
    expect(await prepareBinaries({ ...installed, folder }, dataDir, account)).toEqual(binaries);
  },
);

async function copyWithoutLinks(into: string): Promise<string> {
  const folder = join(into, 'package');
  const isLink = async (path: string) => (await lstat(path)).isSymbolicLink();
  await cp(installed.folder, folder, { recursive: true, filter: async (path) => !(await isLink(path)) });
  await rm(join(folder, 'native', 'share'), { recursive: true });
  return folder;
}

async function versions({ initdb, postgres }: Binaries, account: object | null = null): Promise<string[]> {
  const ask = (file: string) => promisify(execFile)(file, ['--version'], { ...account, cwd: '/' });
  const answers = await Promise.all([ask(initdb), ask(postgres)]);
  return answers.map(({ stdout }) => stdout);
}
