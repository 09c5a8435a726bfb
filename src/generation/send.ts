import { setTimeout as sleep } from 'node:timers/promises';
import { eq, sql } from 'drizzle-orm';
import { newId } from '../db/id.ts';
import { submissions, tasks } from '../db/schema.ts';
import { isUnavailable } from '../db/unavailable.ts';
import type { Domain } from './domain.ts';
import type { Report } from './machine.ts';
import type { Exchange, RecoverReport, SentSubmission, SubmitReport } from './provider.ts';
import { type Entry, recordReports } from './record.ts';
import { neverLeft } from './troubles.ts';
import type { Generation, Task } from './types.ts';

/** Names a submission before it exists: its callback is a part of what is sent. */
export function newSubmissionId(): string {
  return newId('sub');
}

/**
 * The second transaction of a submit, just before its own bytes leave: freezes the body and marks the task SUBMITTING.
 * False when the task may not be sent any more (canceled, or taken over); then nothing must leave.
 */
export async function markSending(
  domain: Domain,
  task: Task,
  submission: SentSubmission,
  { awaitsCallback = false }: { awaitsCallback?: boolean } = {},
): Promise<boolean> {
  const { id: submissionId, reference, body } = submission;
  const { workspaceId, provider, mode } = task;
  const isSending = (generations: Generation[]) =>
    generations.some(({ tasks }) => tasks.some((each) => each.submissionId === submissionId));
  const after = await recordReports(
    domain,
    [
      {
        generationId: task.generationId,
        report: {
          kind: 'SENDING',
          taskId: task.id,
          token: task.leaseToken,
          submissionId,
          awaitsCallback,
        },
      },
    ],
    {
      also: async (tx, after) => {
        if (!isSending(after)) return;
        await tx.insert(submissions).values({ id: submissionId, workspaceId, provider, mode, reference, body });
      },
    },
  );
  domain.reach?.('submit:marked');
  return isSending(after);
}

/** What was sent, as it was frozen before it left; null when it was sent by a release that gave no reference. */
export async function findSubmission({ db }: Domain, id: string): Promise<SentSubmission | null> {
  const [row] = await db.select().from(submissions).where(eq(submissions.id, id));
  if (!row?.reference) return null;
  return { id, reference: row.reference, body: row.body as SentSubmission['body'] };
}

/**
 * What became of the second transaction is unknown, and nothing has left: takes its mark back if it was written, so that
 * the task is sent later instead of being held as UNCERTAIN. Waits for a database that is away.
 */
export async function takeBack(domain: Domain, task: Task, submissionId: string, delayMs: number): Promise<void> {
  const { id: taskId, generationId, leaseToken: token } = task;
  const report = { kind: 'NOT_NOW' as const, failure: neverLeft, retryAfterMs: delayMs };
  const entries: Entry[] = [
    { generationId, report: { kind: 'SUBMITTED', taskId, submissionId, report } },
    { generationId, report: { kind: 'DELAYED', taskId, token, delayMs } },
  ];
  const write = async () => void (await recordReports(domain, entries));
  await persist(write, (error, tries) => {
    domain.log.error({ err: error, task: taskId }, 'a task that has not left is not given back yet');
    return tries < MOST_TRIES_TO_TAKE_BACK;
  });
}

/** Two minutes: nothing was bought, and a shutdown waits for it. */
const MOST_TRIES_TO_TAKE_BACK = 60;
/** A database that is away is waited for; anything else, a full disk or a conflict, for some ten minutes. */
const MOST_TRIES = 300;
/** From this try on without the exchange: it must not be what keeps the answer from being stored. */
const TRIES_WITH_EXCHANGE = 4;

/**
 * The third transaction: what the provider answered. It is fenced by the submission, not by the lease: an answer to
 * this very request is true whoever brings it, also when the task has meanwhile become UNCERTAIN. Until it is written
 * the answer exists only here, so this does not give up while the database is away; writing it twice is harmless.
 */
export async function recordSubmission(
  domain: Domain,
  task: Task,
  submissionId: string,
  report: SubmitReport,
  exchange: Exchange,
): Promise<void> {
  await store(domain, task, { kind: 'SUBMITTED', taskId: task.id, submissionId, report }, exchange);
}

/** The same for what was found out about a submission whose answer was lost. */
export async function recordRecovery(
  domain: Domain,
  task: Task,
  submissionId: string,
  report: Exclude<RecoverReport, { kind: 'UNKNOWN' }>,
  exchange: Exchange,
): Promise<void> {
  await store(domain, task, { kind: 'RECOVERED', taskId: task.id, submissionId, report }, exchange);
}

async function store(
  domain: Domain,
  { workspaceId, id: taskId, generationId }: Task,
  report: Extract<Report, { kind: 'SUBMITTED' | 'RECOVERED' }>,
  exchange: Exchange,
): Promise<void> {
  // Named here, so that one exchange is kept however often it is written.
  const exchanges = [{ id: newId('xch'), workspaceId, taskId, exchange }];
  const answer = report.report;
  const told = answer.kind === 'ACCEPTED' ? answer.providerTaskId : null;
  const write = async (tries: number) => {
    const entries: Entry[] = [{ generationId, report }];
    const kept = tries <= TRIES_WITH_EXCHANGE ? exchanges : [];
    const [after] = await recordReports(domain, entries, { exchanges: kept });
    const known = after?.tasks.find(({ id }) => id === taskId)?.providerTaskId;
    if (told !== null && known !== told) {
      domain.log.error(
        { task: taskId, known, told },
        'one submission has two ids at its provider: it may be billed twice',
      );
    }
  };
  await persist(write, (error, tries) => {
    const said = { kind: answer.kind, ...(told !== null && { providerTaskId: told }) };
    domain.log.error({ err: error, task: taskId, ...said }, 'the answer to a submission is not stored yet');
    return isUnavailable(error) || tries < MOST_TRIES;
  });
  domain.reach?.('submit:stored');
}

/**
 * Whether the same may be sent once more under its reference: the task is still held as UNCERTAIN, by this worker. To be
 * asked just before it leaves.
 */
export async function maySendAgain({ db }: Domain, { id, workerId, leaseToken }: Task): Promise<boolean> {
  const held = sql`${tasks.id} = ${id} and status = 'UNCERTAIN' and hold_until > clock_timestamp()
    and worker_id = ${workerId} and lease_token = ${leaseToken}`;
  const rows = await db.select({ id: tasks.id }).from(tasks).where(held);
  return rows.length > 0;
}

/** Two seconds at the most: once the database is back, work goes on within five. */
const LONGEST_PAUSE_MS = 2_000;

/** Writes until it is written, or until `goesOn`, which hears of each failure, says no. */
async function persist(
  write: (tries: number) => Promise<void>,
  goesOn: (error: unknown, tries: number) => boolean,
): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await write(tries);
    } catch (error) {
      if (!goesOn(error, tries)) throw error;
      await sleep(Math.min(100 * 2 ** tries, LONGEST_PAUSE_MS));
    }
  }
}
