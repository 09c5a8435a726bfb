import { sql } from 'drizzle-orm';
import { assets, events, providerStates, tasks, workers } from '../db/schema.ts';
import type { Backlog } from '../metrics/metrics.ts';
import type { Domain } from './domain.ts';

/**
 * What there is to do, for the metrics. Each statement walks a partial index over what is unfinished, so that none
 * grows with history.
 */
export async function readBacklog({ db }: Pick<Domain, 'db'>): Promise<Backlog> {
  const [unfinished, alive, states, expiring, unstamped] = await Promise.all([
    db.execute<{ provider: string; mode: string; status: string; count: string; late: string }>(sql`
      select provider, mode, status, count(*) as count,
        coalesce(extract(epoch from clock_timestamp() - min(next_at) filter (where worker_id is null)), 0) as late
      from ${tasks} where finished_at is null group by provider, mode, status`),
    db.execute<{ count: string }>(sql`
      select count(*) as count from ${workers} where alive_until > clock_timestamp()`),
    db.execute<{ provider: string; mode: string; open: boolean }>(sql`
      select provider, mode, open_until is not null as open from ${providerStates}`),
    db.execute<{ mode: string; at: string }>(sql`
      select t.mode, extract(epoch from min(pending.expiry)) as at
      from (
        select id, mode from ${tasks} where finished_at is null and status = 'COLLECTING'
        union all
        select id, mode from ${tasks} where worker_id is null and settle_until is not null
      ) t cross join lateral (
        select min(provider_url_expires_at) as expiry from ${assets} where task_id = t.id and state = 'PENDING'
      ) pending
      where pending.expiry is not null
      group by t.mode`),
    db.execute<{ lag: string | null }>(sql`
      select extract(epoch from clock_timestamp() - min(at)) as lag from ${events} where position is null`),
  ]);
  return {
    tasks: unfinished.map(({ count, late, ...task }) => ({
      ...task,
      count: Number(count),
      lateSeconds: Math.max(0, Number(late)),
    })),
    workers: Number(alive[0]?.count),
    providers: states.map(({ provider, mode, open }) => ({ provider, mode, isOpen: open })),
    expiries: expiring.map(({ mode, at }) => ({ mode, at: new Date(Number(at) * 1000) })),
    feedLagSeconds: Math.max(0, Number(unstamped[0]?.lag ?? 0)),
  };
}
