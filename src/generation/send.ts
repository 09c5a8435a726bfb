import { eq, sql } from 'drizzle-orm';
import type { Transaction } from '../db/connect.ts';
import { newId } from '../db/id.ts';
import { submissions, tasks } from '../db/schema.ts';
import type { Domain } from './domain.ts';
import { persist } from './persist.ts';
import type { SentSubmission } from './provider-request.ts';
import { type Entry, recordReports } from './record.ts';
import { neverLeft } from './troubles.ts';
import type { Wait } from './turns.ts';
import type { Generation, Task } from './types.ts';

/** Names a submission before it exists: its callback is a part of what is sent. */
export function newSubmissionId(): string {
  return newId('sub');
}

export interface Marking {
  /** Its provider was told an address to call. */
  awaitsCallback?: boolean;
  /** Asked in the transaction of the mark: null when it may leave now. */
  admit?: (tx: Transaction) => Promise<Wait | null>;
}

/** Why a submission must not leave; nothing was written. */
export type Obstacle =
  /** These may not be sent any more: canceled, or taken over. */
  | { kind: 'LOST'; taskIds: string[] }
  /** Its provider has no turn for it just now. */
  | ({ kind: 'NO_TURN' } & Wait);

/**
 * The second transaction of a submit, just before its own bytes leave: freezes the body and marks its tasks SUBMITTING,
 * all or none; of several, each with its place. Answers what stands in the way, or null.
 */
export async function markSending(
  domain: Domain,
  all: readonly Task[],
  submission: SentSubmission,
  { awaitsCallback = false, admit }: Marking = {},
): Promise<Obstacle | null> {
  const { id: submissionId, reference, body } = submission;
  const [first] = all;
  if (!first) return null;
  const { workspaceId, provider, mode } = first;
  const entries = all.map(({ id: taskId, generationId, leaseToken: token }, i): Entry => {
    const place = all.length > 1 ? { place: i } : {};
    return { generationId, report: { kind: 'SENDING', taskId, token, submissionId, awaitsCallback, ...place } };
  });
  try {
    await recordReports(domain, entries, {
      also: async (tx, after) => {
        const lost = all.filter(({ id }) => !isSending(after, id, submissionId)).map(({ id }) => id);
        if (lost.length > 0) throw new Stopped({ kind: 'LOST', taskIds: lost });
        const wait = await admit?.(tx);
        if (wait) throw new Stopped({ kind: 'NO_TURN', ...wait });
        await tx.insert(submissions).values({ id: submissionId, workspaceId, provider, mode, reference, body });
      },
    });
  } catch (error) {
    if (error instanceof Stopped) return error.obstacle;
    throw error;
  }
  domain.reach?.('submit:marked');
  return null;
}

/** Rolls the transaction back. */
class Stopped extends Error {
  readonly obstacle: Obstacle;
  constructor(obstacle: Obstacle) {
    super('The submission must not leave.');
    this.obstacle = obstacle;
  }
}

function isSending(generations: readonly Generation[], taskId: string, submissionId: string): boolean {
  return generations.some(({ tasks }) =>
    tasks.some((each) => each.id === taskId && each.status === 'SUBMITTING' && each.submissionId === submissionId),
  );
}

/** What was sent, as it was frozen before it left; null when it was sent by a release that gave no reference. */
export async function findSubmission({ db }: Domain, id: string): Promise<SentSubmission | null> {
  const [row] = await db.select().from(submissions).where(eq(submissions.id, id));
  if (!row?.reference) return null;
  return { id, reference: row.reference, body: row.body as SentSubmission['body'] };
}

/** Two minutes: nothing was bought, and a shutdown waits for it. */
const MOST_TRIES_TO_TAKE_BACK = 60;

/**
 * What became of the second transaction is unknown, and nothing has left: takes its mark back if it was written, so that
 * the tasks are sent later instead of being held as UNCERTAIN. Waits for a database that is away.
 */
export async function takeBack(
  domain: Domain,
  all: readonly Task[],
  submissionId: string,
  delayMs: number,
): Promise<void> {
  const report = { kind: 'NOT_NOW' as const, failure: neverLeft, retryAfterMs: delayMs };
  const entries = all.flatMap(({ id: taskId, generationId, leaseToken: token }): Entry[] => [
    { generationId, report: { kind: 'SUBMITTED', taskId, submissionId, report } },
    { generationId, report: { kind: 'DELAYED', taskId, token, delayMs } },
  ]);
  const write = async () => void (await recordReports(domain, entries));
  await persist(write, (error, tries) => {
    const ids = all.map(({ id }) => id);
    domain.log.error({ err: error, tasks: ids }, 'what has not left is not given back yet');
    return tries < MOST_TRIES_TO_TAKE_BACK;
  });
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
