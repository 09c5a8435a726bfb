import { desc, inArray, sql } from 'drizzle-orm';
import type { Database, Transaction } from '../db/connect.ts';
import { newId } from '../db/id.ts';
import { exchanges } from '../db/schema.ts';
import type { Domain } from './domain.ts';
import type { Exchange } from './provider-report.ts';

/** How many a task keeps: the newest. */
const KEPT = 20;

export interface TaskExchange {
  /** Given by whoever may write it twice. */
  id?: string;
  workspaceId: string;
  taskId: string;
  exchange: Exchange;
}

export type KeptExchange = typeof exchanges.$inferSelect;

/** Keeps exchanges that brought no change of their own. */
export async function recordExchanges(domain: Domain, rows: TaskExchange[]): Promise<void> {
  await insertExchanges(domain.db, rows);
}

export async function insertExchanges(db: Database | Transaction, rows: TaskExchange[]): Promise<void> {
  if (rows.length === 0) return;
  await db
    .insert(exchanges)
    .values(rows.map(({ exchange, id = newId('xch'), ...about }) => ({ ...exchange, ...about, id })))
    .onConflictDoNothing();
  const touched = sql.join(
    [...new Set(rows.map(({ taskId }) => taskId))].map((taskId) => sql`${taskId}`),
    sql`, `,
  );
  await db.execute(sql`
    delete from ${exchanges} where id in (
      select id from (
        select id, row_number() over (partition by task_id order by id desc) as age
        from ${exchanges} where task_id in (${touched})
      ) numbered where age > ${KEPT}
    )`);
}

/** Of these tasks, newest first: at most 20 of each are kept. */
export async function listExchanges({ db }: Pick<Domain, 'db'>, taskIds: readonly string[]): Promise<KeptExchange[]> {
  return db
    .select()
    .from(exchanges)
    .where(inArray(exchanges.taskId, [...taskIds]))
    .orderBy(desc(exchanges.id));
}
