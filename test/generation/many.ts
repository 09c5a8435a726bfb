import { sql } from 'drizzle-orm';
import type { Domain } from '../../src/generation/domain.ts';
import type { Mode } from '../../src/generation/provider.ts';
import type { TaskStatus } from '../../src/generation/types.ts';

export interface Many {
  workspaceId: string;
  count: number;
  status?: TaskStatus;
  /** From now; the next is due a millisecond after. */
  dueInMs?: number;
  mode?: Mode;
  provider?: string;
  deadlineInMs?: number;
}

/**
 * Writes generations of one task each, with their first event, in one statement and so by the thousand. Accepted ones
 * are known to their provider under the id of the task.
 */
export async function insertMany({ db }: Pick<Domain, 'db'>, many: Many): Promise<void> {
  const { workspaceId, count, status = 'QUEUED', dueInMs = -1_000, mode = 'TEST', provider = 'kites' } = many;
  const { deadlineInMs = 3_600_000 } = many;
  const isAccepted = status === 'ACCEPTED' || status === 'RUNNING';
  const derived = status === 'QUEUED' ? 'QUEUED' : 'RUNNING';
  const [{ taken = 0 } = {}] = await db.execute<{ taken: number }>(sql`select count(*)::int as taken from generations`);
  await db.execute(sql`
    with numbers as (
      select clock_timestamp() as at, lpad(n::text, 8, '0') as tag, n - ${taken}::int as n
      from generate_series(${taken}::int + 1, ${taken}::int + ${count}::int) n
    ), made as (
      insert into generations (id, workspace_id, mode, version, status, prompt, model, request, adjustments,
        request_hash, progress_basis, created_at, deadline_at)
      select 'gen_' || tag, ${workspaceId}, ${mode}, 1, ${derived}, 'a red kite', 'm', '{"images": 1}', '[]',
        'hash', 'REPORTED', at, at + ${deadlineInMs}::int * interval '1 ms' from numbers
    ), told as (
      insert into events (id, workspace_id, generation_id, version, type, at, status, mode)
      select 'evt_' || tag, ${workspaceId}, 'gen_' || tag, 1, 'GENERATION_CREATED', at, 'QUEUED', ${mode} from numbers
    )
    insert into tasks (id, workspace_id, generation_id, mode, attempt, provider, status, route_reason, first_slot,
      image_count, request, provider_task_id, progress_basis, cost, poll_count, next_at, lease_token, tries,
      created_at, accepted_at, deadline_at)
    select 'tsk_' || tag, ${workspaceId}, 'gen_' || tag, ${mode}, 1, ${provider}, ${status}, 'the test', 0,
      1, '{"model": "m", "prompt": "a red kite", "images": 1}', case when ${isAccepted} then 'tsk_' || tag end,
      'REPORTED', '{"basis": "RESERVED", "reserved": null, "settled": null, "providerCredits": null}', 0,
      at + (${dueInMs}::int + n) * interval '1 ms', 0, 0, at, case when ${isAccepted} then at end,
      at + ${deadlineInMs}::int * interval '1 ms'
    from numbers`);
}
