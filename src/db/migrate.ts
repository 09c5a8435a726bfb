import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/postgres-js';
import { migrate as runMigrations } from 'drizzle-orm/postgres-js/migrator';
import type { Logger } from '../logger.ts';
import type { Connection } from './connect.ts';
import { createPool } from './pool.ts';

/** The package's folder, seen from src/db as from dist/db. */
const FOLDER = fileURLToPath(new URL('../../migrations', import.meta.url));

/** Any number, the same for every process of this service on one database. */
const LOCK = 4_177_259_301;

/** The database was migrated by a newer release than this one. */
export class SchemaNewerError extends Error {
  constructor() {
    super(
      'The database was migrated by a newer release of Darkroom: start that release, or restore an older database.',
    );
  }
}

/**
 * Brings the schema up to this code. One process migrates, the others wait for it and find nothing left to do. `url` must
 * be a direct connection: the lock belongs to a session. Throws SchemaNewerError.
 */
export async function migrate(url: string, log: Logger): Promise<void> {
  const pool = createPool(url, { max: 1, prepare: false });
  const db = drizzle(pool.sql);
  try {
    await db.execute(sql`select pg_advisory_lock(${LOCK})`);
    const [applied, newest] = await Promise.all([findNewestApplied(db), getNewest()]);
    if (applied === newest) return;
    if (applied !== null && applied > newest) throw new SchemaNewerError();
    await runMigrations(db, { migrationsFolder: FOLDER });
    log.info('the database schema is up to date');
  } finally {
    await pool.stop();
  }
}

/** Whether the schema has everything this code needs; one that a newer release moved on still does. */
export async function migrationsAreCurrent(connection: Connection): Promise<boolean> {
  const [applied, newest] = await Promise.all([findNewestApplied(connection.db), getNewest()]);
  return applied !== null && applied >= newest;
}

/** When the newest applied migration was generated; null on an empty database. */
async function findNewestApplied(db: Pick<Connection['db'], 'execute'>): Promise<number | null> {
  const [table] = await db.execute(sql`select to_regclass('drizzle.__drizzle_migrations') is not null as found`);
  if (!table?.found) return null;
  const [row] = await db.execute(sql`select max(created_at) as newest from drizzle.__drizzle_migrations`);
  return row?.newest == null ? null : Number(row.newest);
}

/** The same of the newest migration in this package. */
async function getNewest(): Promise<number> {
  const journal: { entries: { when: number }[] } = JSON.parse(await readFile(`${FOLDER}/meta/_journal.json`, 'utf8'));
  return Math.max(...journal.entries.map((entry) => entry.when));
}
