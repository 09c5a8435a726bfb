import { sql } from 'drizzle-orm';
import { providerStates, tasks } from '../db/schema.ts';
import type { ProviderLimits } from './provider.ts';
import { askState, type Executor, isOf, type StateKey } from './provider-state.ts';

export interface WantedTurn extends StateKey {
  limits: Pick<ProviderLimits, 'concurrency' | 'batches' | 'requestsPerMinute'>;
  /** As how many requests it counts; 1 unless given. */
  weight?: number;
  /** The most that one may count as, where some count as several: so many turns may be taken at once. */
  heaviest?: number;
  /** What `requestsPerMinute` counts over; tests have no minutes. */
  periodMs?: number;
}

/** What is to leave. */
export interface Leaving {
  isBatch: boolean;
  /** Where it is sent again under the same name it has its place already. */
  submissionId: string | null;
}

/** `waitMs`: when to ask again. */
export type Turn = { ok: true } | { ok: false; waitMs: number };
export type Admission = { ok: true } | ({ ok: false } & Wait);

/** `waitMs`: when to ask again. */
export interface Wait {
  waitMs: number;
  /** A place among those that the provider works on, one for a batch where one order may leave, or a turn. */
  lacks: 'ROOM' | 'BATCH' | 'TURN';
}

const MINUTE_MS = 60_000;
/** Tasks end whenever they like: this often it is looked whether one has. */
const UNTIL_ONE_ENDS_MS = 2_000;

/**
 * Whether one request that is no submission may leave now: to be asked right before it does. All workers share the
 * turns, by the clock of the database, and submissions go first. A provider without a limit costs no statement.
 */
export function takeTurn(db: Executor, wanted: WantedTurn): Promise<Turn> {
  return turnFor(db, wanted, { isSubmit: false });
}

/**
 * Whether one submission may leave now, decided in the very transaction that marks it: of two workers that are after the
 * last place one waits here until the other has committed, and a transaction that is rolled back has used up no turn.
 * To be called when everything else is locked.
 */
export async function admit(tx: Executor, wanted: WantedTurn, submission: Leaving): Promise<Admission> {
  const lacks = await findLack(tx, wanted, submission);
  if (lacks) return { ok: false, waitMs: UNTIL_ONE_ENDS_MS, lacks };
  const turn = await turnFor(tx, wanted, { isSubmit: true });
  return turn.ok ? turn : { ...turn, lacks: 'TURN' };
}

/** For how long a submission that was told when to come may be late before other requests go first again. */
const GRACE_MS = 3_000;

/** A submission comes back in `waitMs`: the turn is kept for it. Its own transaction was rolled back. */
export async function awaitTurn(db: Executor, key: StateKey, waitMs: number): Promise<void> {
  await db.execute(sql`
    update ${providerStates}
    set submits_wait_until = clock_timestamp() + ${waitMs + GRACE_MS}::float8 * interval '1 ms' where ${isOf(key)}`);
}

/** What is uncertain, was canceled or ran out of time here may go on there; an image has rarely taken longer. */
const GOES_ON_S = 120;

/** Counted are submissions: a batch has one place, however many tasks it carries. */
async function findLack(
  tx: Executor,
  key: WantedTurn,
  { isBatch, submissionId }: Leaving,
): Promise<'ROOM' | 'BATCH' | null> {
  const { concurrency, batches: mostBatches = null } = key.limits;
  if (concurrency === null && (mostBatches === null || !isBatch)) return null;
  await askState(tx, key, async () => {
    const [locked] = await tx.execute(sql`select 1 from ${providerStates} where ${isOf(key)} for update`);
    return locked;
  });
  const goesOn = sql`clock_timestamp() - ${GOES_ON_S}::int * interval '1 second'`;
  // A statement of its own: it sees what was committed while the lock was waited for.
  const [row] = await tx.execute<{ all: string; batches: string }>(sql`
    select count(*) as all, count(*) filter (where is_batch) as batches from (
      select bool_or(place is not null) as is_batch from (
        select id, submission_id, place from ${tasks}
        where ${isOf(key)} and status in ('SUBMITTING', 'ACCEPTED', 'RUNNING', 'UNCERTAIN')
          and (status <> 'UNCERTAIN' or submitted_at > ${goesOn})
        union all
        select id, submission_id, place from ${tasks}
        where ${isOf(key)} and finished_at > ${goesOn} and submitted_at > ${goesOn}
          and status in ('FAILED', 'CANCELED') and failure->>'billed' = 'UNKNOWN'
          and (settle_until is not null or provider_task_id is null)
      ) working
      where coalesce(submission_id, id) is distinct from ${submissionId}
      group by coalesce(submission_id, id)
    ) submissions`);
  if (concurrency !== null && Number(row?.all) >= concurrency) return 'ROOM';
  return isBatch && mostBatches !== null && Number(row?.batches) >= mostBatches ? 'BATCH' : null;
}

/** Of all turns so many may be taken at once where some were left; a provider of few requests a minute gets them evenly. */
const BURST_SHARE = 0.1;
/** What leaves evenly from here may arrive a little less so. */
const SLACK = 1.05;
/** Every third turn is for whoever comes first, although submissions wait: what was bought must also be heard of. */
const OPEN_TURNS = 3;

/**
 * The generic cell rate algorithm: `turn_at` is when the next turn would be, were all spread evenly. With a burst of b
 * and turns `period / (requests - b + 1)` apart no period, wherever it begins, has more than the requests allowed.
 */
async function turnFor(db: Executor, wanted: WantedTurn, { isSubmit }: { isSubmit: boolean }): Promise<Turn> {
  const { limits, weight = 1, heaviest = 1, periodMs = MINUTE_MS } = wanted;
  const { requestsPerMinute: requests } = limits;
  if (requests === null) return { ok: true };
  const burst = Math.min(requests, Math.max(heaviest, Math.floor(requests * BURST_SHARE)));
  // One that counts as more than a whole minute's has that minute for itself.
  const turns = Math.min(weight, burst);
  const apartMs = (SLACK * periodMs) / (requests - burst + 1);
  const [apart, ahead] = [sql`${apartMs}::float8`, sql`${(burst - turns) * apartMs}::float8`];
  const { given, wait_ms } = await askState(db, wanted, async () => {
    const [row] = await db.execute<{ given: boolean; wait_ms: number }>(sql`
      with was as materialized (
        select turn_at, submits_wait_until, clock_timestamp() as at
        from ${providerStates} where ${isOf(wanted)} for update
      ), next as materialized (
        select greatest(turn_at, at) as turn_at, coalesce(submits_wait_until > at, false) as submits_wait,
          extract(epoch from greatest(turn_at, at) - at)::float8 * 1000 - ${ahead} as free_ms
        from was
      ), judged as materialized (
        select turn_at, free_ms, ${isSubmit} or not submits_wait
          or floor(extract(epoch from turn_at)::float8 * 1000 / ${apart})::bigint % ${OPEN_TURNS}::int = 0 as is_its_own
        from next
      ), taken as (
        update ${providerStates} s set turn_at = judged.turn_at + ${turns}::int * ${apart} * interval '1 ms',
          submits_wait_until = case when ${isSubmit} then null else s.submits_wait_until end
        from judged where ${isOf(wanted)} and free_ms <= 0 and is_its_own
        returning 1
      )
      select exists (select from taken) as given,
        greatest(free_ms, 0) + case when is_its_own then 0 else ${apart} end as wait_ms
      from judged`);
    return row;
  });
  return given ? { ok: true } : { ok: false, waitMs: Math.max(1, Math.ceil(wait_ms)) };
}
