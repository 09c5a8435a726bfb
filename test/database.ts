import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { inject } from 'vitest';
import { withDatabase } from './postgres.ts';

/** How long somebody else may keep a database busy. */
const PATIENCE_MS = 20_000;

/** An empty, migrated database of its own for one test file. */
export function createTestDatabase(): Promise<{ url: string; drop(): Promise<void> }> {
  return createDatabase(inject('postgres').template);
}

/** A database with nothing in it, not even the tables. */
export function createEmptyDatabase(): Promise<{ url: string; drop(): Promise<void> }> {
  return createDatabase('template0');
}

async function createDatabase(template: string): Promise<{ url: string; drop(): Promise<void> }> {
  const { adminUrl } = inject('postgres');
  const name = `darkroom_test_${process.pid}_${randomBytes(6).toString('hex')}`;
  await asAdmin(adminUrl, (admin) => clone(admin, name, template));
  return {
    url: withDatabase(adminUrl, name),
    drop: () =>
      asAdmin(adminUrl, async (admin) => {
        // 42501: an autovacuum worker is in it just now, which only a superuser may end.
        await patiently('42501', () => admin`drop database if exists ${admin(name)} with (force)`);
      }),
  };
}

/** The template must have no other session: 55006 while another file's clone reads it. */
function clone(admin: postgres.Sql, name: string, template: string): Promise<void> {
  return patiently('55006', () => admin`create database ${admin(name)} template ${admin(template)}`);
}

/** Again and again while PostgreSQL answers with this code. */
async function patiently(code: string, work: () => Promise<unknown>): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      await work();
      return;
    } catch (error) {
      const busy = error instanceof postgres.PostgresError && error.code === code;
      if (!busy || Date.now() > deadline) throw error;
      await sleep(50);
    }
  }
}

async function asAdmin(url: string, work: (admin: postgres.Sql) => Promise<void>): Promise<void> {
  const admin = postgres(url, { max: 1, onnotice: () => {} });
  try {
    await work(admin);
  } finally {
    await admin.end();
  }
}
