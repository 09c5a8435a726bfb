import { getTableColumns, type SQL, sql } from 'drizzle-orm';
import type { PgTable } from 'drizzle-orm/pg-core';
import type { Transaction } from '../db/connect.ts';
import type { assets, generations, tasks } from '../db/schema.ts';

/** PostgreSQL takes 65,535 parameters a statement, one for each value; the widest of these rows has some 30. */
const MOST_ROWS = 1_000;

/** Writes whole rows over those with the same ids: one statement for all, where they fit in one. Throws if `setWhere` stops one. */
export async function upsert(
  tx: Transaction,
  table: typeof tasks | typeof assets | typeof generations,
  rows: object[],
  setWhere?: SQL,
): Promise<void> {
  const set = Object.fromEntries(
    Object.entries(getTableColumns(table as PgTable))
      .filter(([name]) => name !== 'id' && name !== 'workspaceId')
      .map(([name, column]) => [name, sql.raw(`excluded."${column.name}"`)]),
  );
  for (let i = 0; i < rows.length; i += MOST_ROWS) {
    const some = rows.slice(i, i + MOST_ROWS) as Record<string, unknown>[];
    const written = await tx
      .insert(table as PgTable)
      .values(some)
      .onConflictDoUpdate({ target: table.id, set, ...(setWhere && { setWhere }) })
      .returning({ id: table.id });
    if (written.length !== some.length) throw new Error('A locked row changed under its lock.');
  }
}
