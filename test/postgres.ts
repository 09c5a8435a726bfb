import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import postgres from 'postgres';
import type { TestProject } from 'vitest/node';
import { startEmbedded } from '../src/db/embedded/embedded.ts';
import { migrate } from '../src/db/migrate.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** A role that may create databases, and the migrated database that tests clone. */
    postgres: { adminUrl: string; template: string };
  }
}

/** Gives the whole run one real PostgreSQL: TEST_DATABASE_URL, or the packaged one in a temporary folder. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env.TEST_DATABASE_URL;
  const server = given ? { url: given, stop: async () => {} } : await startPackaged();
  const template = `darkroom_template_${process.pid}_${Date.now()}`;
  const admin = postgres(server.url, { max: 1, onnotice: () => {} });
  const [row] = await admin`select current_setting('server_version') as version`;
  process.stdout.write(`PostgreSQL ${row?.version}: ${given ? 'TEST_DATABASE_URL' : 'the packaged server'}\n`);
  await admin`create database ${admin(template)}`;
  await migrate(withDatabase(server.url, template), pino({ level: 'silent' }));
  project.provide('postgres', { adminUrl: server.url, template });
  return async () => {
    await admin`drop database if exists ${admin(template)} with (force)`;
    await admin.end();
    await server.stop();
  };
}

/** The same server and role, another database. */
export function withDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.href;
}

async function startPackaged(): Promise<{ url: string; stop(): Promise<void> }> {
  const dataDir = await mkdtemp(join(tmpdir(), 'darkroom-test-'));
  // mkdtemp lets nobody in; as root, the server runs as another user.
  await chmod(dataDir, 0o711);
  const server = await startEmbedded({ dataDir, log: pino({ level: 'silent' }) });
  return {
    url: server.url,
    async stop() {
      await server.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
