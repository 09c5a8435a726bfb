import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundle, type Scripts } from './bundle.ts';
import { type Database, startDatabase } from './database.ts';

/** Where campaigns are run: a built service, a database server, a folder for what they write. */
export interface Ground {
  scripts: Scripts;
  folder: string;
  database: Database;
  /** Of what runs on it, for the case that it does not come to its end. */
  stops: (() => Promise<void>)[];
  /** Stops all that still runs, and removes the folder unless it is to be kept. */
  stop(keepFolder?: boolean): Promise<void>;
}

export async function prepareGround(): Promise<Ground> {
  const folder = await mkdtemp(join(tmpdir(), 'darkroom-chaos-'));
  // mkdtemp lets nobody in; as root, the database runs as another user.
  await chmod(folder, 0o711);
  const [scripts, database] = await Promise.all([bundle(folder), startDatabase(folder)]);
  const stops: Ground['stops'] = [];
  return {
    scripts,
    folder,
    database,
    stops,
    async stop(keepFolder = false) {
      await Promise.all(stops.map((stop) => stop()));
      await database.stop();
      if (!keepFolder) await rm(folder, { recursive: true, force: true, maxRetries: 50, retryDelay: 100 });
    },
  };
}
