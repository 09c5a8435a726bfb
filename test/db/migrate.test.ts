import { pino } from 'pino';
import postgres from 'postgres';
import { expect, onTestFinished, test } from 'vitest';
import { connect } from '../../src/db/connect.ts';
import { migrate, migrationsAreCurrent, SchemaNewerError } from '../../src/db/migrate.ts';
import { createEmptyDatabase, createTestDatabase } from '../database.ts';
import { runChild } from './child.ts';

const log = pino({ level: 'silent' });

test('five processes that migrate one empty database at once all succeed, and each migration ran once', async () => {
  const url = await emptyDatabase();
  const children = Array.from({ length: 5 }, () => runChild('migrate.ts', url));
  expect(await Promise.all(children.map((child) => child.ended))).toEqual([0, 0, 0, 0, 0]);
  const applied = await query(
    url,
    'select count(*)::int as rows, count(distinct hash)::int as hashes from drizzle.__drizzle_migrations',
  );
  const { rows } = applied[0] as { rows: number };
  expect(applied).toEqual([{ rows, hashes: rows }]);
  expect(await isCurrent(url)).toBe(true);
});

test('a process that waits for another’s migration lets it finish first', async () => {
  const url = await emptyDatabase();
  const other = postgres(url, { max: 1, onnotice: () => {} });
  await other`select pg_advisory_lock(4177259301)`;
  let done = false;
  const migrating = migrate(url, log).then(() => {
    done = true;
  });
  const waiting = `select count(*)::int as n from pg_stat_activity where datname = current_database() and wait_event = 'advisory'`;
  await expect.poll(() => query(url, waiting)).toEqual([{ n: 1 }]);
  expect([done, await isCurrent(url)]).toEqual([false, false]);
  await other.end();
  await migrating;
  expect(await isCurrent(url)).toBe(true);
});

test('a migration cut off by a lost connection leaves nothing half done and runs at the next start', async () => {
  const url = await emptyDatabase();
  // A table that the migration will wait for, held until the connection that waits is terminated.
  const other = postgres(url, { max: 1, onnotice: () => {} });
  const blocked = other.begin(async (tx) => {
    await tx`create table public.workspaces (id int)`;
    const cut = `select pg_terminate_backend(pid) as cut from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
    await expect.poll(() => query(url, cut)).toEqual([{ cut: true }]);
    throw new Error('undo');
  });
  const outcomes = await Promise.allSettled([migrate(url, log), blocked]);
  expect(outcomes.map((outcome) => outcome.status)).toEqual(['rejected', 'rejected']);
  await other.end();
  expect(await query(url, `select count(*)::int as n from pg_tables where schemaname = 'public'`)).toEqual([{ n: 0 }]);
  await migrate(url, log);
  expect(await isCurrent(url)).toBe(true);
});

test('a database that a newer release migrated is refused at start, and still serves what already runs', async () => {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  await query(
    database.url,
    `insert into drizzle.__drizzle_migrations (hash, created_at) values ('future', 9999999999999)`,
  );
  await expect(migrate(database.url, log)).rejects.toThrow(SchemaNewerError);
  expect(await isCurrent(database.url)).toBe(true);
});

async function emptyDatabase(): Promise<string> {
  const database = await createEmptyDatabase();
  onTestFinished(() => database.drop());
  return database.url;
}

async function isCurrent(url: string): Promise<boolean> {
  const connection = connect({ url, directUrl: url, log });
  try {
    return await migrationsAreCurrent(connection);
  } finally {
    await connection.stop();
  }
}

async function query(url: string, text: string): Promise<unknown[]> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    return [...(await sql.unsafe(text))];
  } finally {
    await sql.end({ timeout: 1 });
  }
}
