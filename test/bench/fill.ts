import type { Sql } from 'postgres';
import type { Caller } from '../../src/workspace/caller.ts';

export const EVENTS_EACH = 3;

/**
 * Makes the caller's workspace and `rows` generations in it, a second apart, with one task each and three events: one in
 * 1,000 failed, one in 100,000 is running, one in 10,000 went to the provider `rare`.
 */
export async function fill(client: Sql, { workspaceId, mode }: Caller, rows: number): Promise<void> {
  await client`insert into workspaces (id, name) values (${workspaceId}, 'bench')`;
  await client`set synchronous_commit = off`;
  await client`
    insert into generations (id, workspace_id, mode, version, status, prompt, model, request, adjustments, request_hash,
      progress_basis, created_at, deadline_at)
    select 'gen_' || lpad(n::text, 26, '0'), ${workspaceId}, ${mode}, 1,
      case when n % 100000 = 50000 then 'RUNNING' when n % 1000 = 7 then 'FAILED' else 'SUCCEEDED' end,
      'a lighthouse number ' || n || repeat(' in the rain', 20), 'seedream-5.0-lite', '{}', '[]', md5(n::text), 'NONE',
      timestamptz '2026-01-01' + n * interval '1 second', timestamptz '2027-01-01'
    from generate_series(1, ${rows}::int) n`;
  await client`
    insert into tasks (id, workspace_id, generation_id, mode, attempt, provider, status, route_reason, first_slot,
      image_count, request, progress_basis, cost, poll_count, next_at, lease_token, tries, created_at, deadline_at, finished_at)
    select 'tsk_' || lpad(n::text, 26, '0'), ${workspaceId}, 'gen_' || lpad(n::text, 26, '0'), ${mode}, 1,
      case when n % 10000 = 9 then 'rare' else 'kites' end, 'SUCCEEDED', '', 0, 1, '{}', 'NONE', '{}', 0,
      timestamptz '2026-01-01', 0, 0, timestamptz '2026-01-01', timestamptz '2027-01-01', timestamptz '2026-01-01'
    from generate_series(1, ${rows}::int) n`;
  await client`
    insert into events (id, workspace_id, generation_id, version, type, at, status, mode, position)
    select 'evt_' || lpad(n::text, 26, '0'), ${workspaceId}, 'gen_' || lpad(((n - 1) / ${EVENTS_EACH}::int + 1)::text, 26, '0'),
      (n - 1) % ${EVENTS_EACH}::int + 1,
      case when n % 100000 = 50000 then 'ASSET_LOST' when n % 3 = 0 then 'GENERATION_FINISHED' else 'TASK_CHANGED' end,
      timestamptz '2026-01-01' + n * interval '0.3 second', 'RUNNING', ${mode}, n
    from generate_series(1, ${rows * EVENTS_EACH}::int) n`;
  await client`update feed set last = ${rows * EVENTS_EACH}`;
  await client`vacuum analyze generations, tasks, events, feed`;
}

/** The id of a row that was filled in, from 1. */
export function rowId(prefix: 'gen' | 'tsk' | 'evt', row: number): string {
  return `${prefix}_${String(row).padStart(26, '0')}`;
}

/** When the generation of this row was created. */
export function createdAt(row: number): Date {
  return new Date(Date.parse('2026-01-01T00:00:00Z') + row * 1_000);
}
