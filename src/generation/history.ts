import { sql } from 'drizzle-orm';
import { tasks } from '../db/schema.ts';
import type { Executor, StateKey } from './provider-state.ts';
import type { Standing } from './standing.ts';

/** How the tasks of one provider in one mode went of late. */
export interface History extends StateKey, Pick<Standing, 'successRate' | 'p50Seconds' | 'p95Seconds'> {}

/** Of each provider at most so many tasks are looked at, and none that ended longer ago. */
const MOST_TASKS = 200;
const HOURS = 24;

/** How tasks end that say nothing about their provider, as do those that were never sent: ended by a caller, refused for their content, or for a reference. */
const NOT_ITS_DOING = ['CANCELED', 'MODERATED_PROMPT', 'MODERATED_OUTPUT', 'REFERENCE_UNREACHABLE'];

/**
 * The share of tasks that brought a picture, and how long those took that brought all, from their submission to the last
 * picture kept. One walk along the end of `tasks_ended` for each provider: as long with ten million tasks as with 200.
 */
export async function readHistory(db: Executor, keys: readonly StateKey[]): Promise<History[]> {
  if (keys.length === 0) return [];
  const wanted = keys.map(({ provider, mode }) => sql`(${provider}::text, ${mode}::text)`);
  const others = NOT_ITS_DOING.map((code) => sql`${code}`);
  const rows = await db.execute<Row>(sql`
    select wanted.provider, wanted.mode, avg(ended.is_well::int) as rate,
      percentile_cont(0.5) within group (order by ended.seconds) as p50,
      percentile_cont(0.95) within group (order by ended.seconds) as p95
    from (values ${sql.join(wanted, sql`, `)}) as wanted(provider, mode) cross join lateral (
      select t.status in ('SUCCEEDED', 'PARTIALLY_SUCCEEDED') as is_well,
        case when t.status = 'SUCCEEDED' then extract(epoch from t.finished_at - t.submitted_at)::float8 end as seconds,
        t.submitted_at is null or t.status = 'CANCELED' or coalesce(t.failure->>'code' in (${sql.join(others, sql`, `)}), false) as is_anothers
      from ${tasks} t
      where t.provider = wanted.provider and t.mode = wanted.mode and t.finished_at is not null
        and t.finished_at > (select clock_timestamp() - ${HOURS}::int * interval '1 hour')
      order by t.finished_at desc limit ${MOST_TASKS}
    ) ended
    where not ended.is_anothers
    group by wanted.provider, wanted.mode`);
  return rows.map(({ provider, mode, rate, p50, p95 }) => ({
    provider,
    mode,
    successRate: Number(rate),
    p50Seconds: p50,
    p95Seconds: p95,
  }));
}

/** The seconds are null where none succeeded. */
type Row = Pick<StateKey, 'provider' | 'mode'> & { rate: string; p50: number | null; p95: number | null };
