import { chmod, cp, mkdtemp, readFile, rename, stat, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type Account, canAccess } from './account.ts';
import type { Package } from './package.ts';

/** A PostgreSQL that the account can run. */
export interface Binaries {
  initdb: string;
  postgres: string;
  version: string;
}

/** Makes the package's binaries fit to run; those that cannot be used where npm put them are copied into `dataDir`. */
export async function prepareBinaries(found: Package, dataDir: string, account: Account): Promise<Binaries> {
  const { folder, version } = found;
  const native = join(folder, 'native');
  const usable = (await link(native)) && (await isReadable(native, account));
  return inFolder(usable ? native : await copy(native, dataDir, version), version);
}

/** Makes the library links that the package's install script would make; false when the folder cannot be written. */
async function link(native: string): Promise<boolean> {
  const list = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const made = await symlink(basename(source), join(dirname(native), target)).then(
      () => true,
      (error: NodeJS.ErrnoException) => error.code === 'EEXIST',
    );
    if (!made) return false;
  }
  return true;
}

async function isReadable(native: string, account: Account): Promise<boolean> {
  if (!account) return true;
  const { initdb, postgres } = inFolder(native, '');
  const answers = await Promise.all([canAccess(account, '-x', initdb), canAccess(account, '-x', postgres)]);
  return answers.every(Boolean);
}

/** Built aside and renamed, so that a copy cut short is never taken for a whole one. */
async function copy(native: string, dataDir: string, version: string): Promise<string> {
  const folder = join(dataDir, `postgres-${version}`);
  const isThere = await stat(folder).catch(() => null);
  if (isThere) return join(folder, 'native');
  const aside = await mkdtemp(`${folder}-`);
  await cp(native, join(aside, 'native'), { recursive: true, verbatimSymlinks: true });
  await link(join(aside, 'native'));
  await chmod(aside, 0o755);
  await rename(aside, folder);
  return join(folder, 'native');
}

function inFolder(native: string, version: string): Binaries {
  return { initdb: join(native, 'bin', 'initdb'), postgres: join(native, 'bin', 'postgres'), version };
}
