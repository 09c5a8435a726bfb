import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import postgres from 'postgres';
import { startEmbedded } from '../../src/db/embedded/embedded.ts';
import { withDatabase } from '../postgres.ts';
import { until } from '../service/until.ts';

/** A PostgreSQL that may be killed: it is started again on the same port, as a machine's supervisor would. */
export interface Database {
  /** Makes an empty one; answers its URL. */
  create(name: string): Promise<string>;
  /** SIGQUIT is an immediate shutdown, SIGKILL a crash. Resolves when it answers again. */
  kill(signal: 'SIGQUIT' | 'SIGKILL'): Promise<void>;
  stop(): Promise<void>;
}

const BACK_WITHIN_MS = 60_000;

export async function startDatabase(folder: string): Promise<Database> {
  const dataDir = join(folder, 'database');
  const server = await startEmbedded({ dataDir, log: pino({ level: 'silent' }) });

  const findPostmaster = async () =>
    Number((await readFile(join(dataDir, 'postgres/postmaster.pid'), 'utf8').catch(() => '')).split('\n')[0]);

  return {
    async create(name) {
      const admin = postgres(server.url, { max: 1, onnotice: () => {} });
      await admin`create database ${admin(name)}`;
      await admin.end();
      return withDatabase(server.url, name);
    },
    async kill(signal) {
      const postmaster = await findPostmaster();
      process.kill(postmaster, signal);
      await until(findPostmaster, (pid) => ![0, process.pid, postmaster].includes(pid), BACK_WITHIN_MS);
      await until(() => answers(server.url), Boolean, BACK_WITHIN_MS);
    },
    stop: server.stop,
  };
}

async function answers(url: string): Promise<boolean> {
  const sql = postgres(url, { max: 1, connect_timeout: 1, onnotice: () => {} });
  const answered = await sql`select 1`.catch(() => null);
  await sql.end();
  return answered !== null;
}
