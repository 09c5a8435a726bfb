import { newId } from '../db/id.ts';
import { isUnavailable } from '../db/unavailable.ts';
import type { Domain } from './domain.ts';
import { persist } from './persist.ts';
import type { Exchange, RecoverReport, ReportedImage, SubmitReport } from './provider-report.ts';
import { recordReports } from './record.ts';
import type { Report } from './report.ts';
import type { Task } from './types.ts';

/** What a provider answered about one task of a submission. */
export interface TaskAnswer {
  task: Task;
  report: SubmitReport;
  /** The batch it was in was refused, perhaps for another task. */
  alone?: boolean;
}

/** A database that is away is waited for; anything else, a full disk or a conflict, for some ten minutes. */
const MOST_TRIES = 300;
/** From this try on without the exchange: it must not be what keeps the answer from being stored. */
const TRIES_WITH_EXCHANGE = 4;

/**
 * The third transaction: what the provider answered. It is fenced by the submission, not by the lease: an answer to
 * this very request is true whoever brings it, also when a task has meanwhile become UNCERTAIN. Until it is written
 * the answer exists only here, so this does not give up while the database is away; writing it twice is harmless.
 */
export async function recordSubmission(
  domain: Domain,
  answers: readonly TaskAnswer[],
  submissionId: string,
  exchange: Exchange,
): Promise<void> {
  const told = answers.map(({ task, report, alone }): Told => {
    return { task, report: { kind: 'SUBMITTED', taskId: task.id, submissionId, report, ...(alone && { alone }) } };
  });
  await store(domain, told, exchange);
}

/** The same for what was found out about a submission whose answer was lost. */
export async function recordRecovery(
  domain: Domain,
  task: Task,
  submissionId: string,
  report: Exclude<RecoverReport, { kind: 'UNKNOWN' }>,
  exchange: Exchange,
): Promise<void> {
  await store(domain, [{ task, report: { kind: 'RECOVERED', taskId: task.id, submissionId, report } }], exchange);
}

/** What has come so far of a submission that is answered with the images themselves; stored before more is read. */
export async function recordArrival(
  domain: Domain,
  { id: taskId, generationId }: Task,
  submissionId: string,
  images: ReportedImage[],
): Promise<void> {
  const report: Report = { kind: 'ARRIVED', taskId, submissionId, images };
  const write = async () => void (await recordReports(domain, [{ generationId, report }]));
  await persist(write, (error, tries) => {
    domain.log.error({ err: error, task: taskId }, 'images that came are not stored yet');
    return isUnavailable(error) || tries < MOST_TRIES;
  });
}

interface Told {
  task: Task;
  report: Extract<Report, { kind: 'SUBMITTED' | 'RECOVERED' }>;
}

async function store(domain: Domain, told: readonly Told[], exchange: Exchange): Promise<void> {
  // Named here, so that one exchange is kept however often it is written.
  const exchanges = told.map(({ task: { workspaceId, id: taskId } }) => ({
    id: newId('xch'),
    workspaceId,
    taskId,
    exchange,
  }));
  const entries = told.map(({ task: { generationId }, report }) => ({ generationId, report }));
  const write = async (tries: number) => {
    const kept = tries <= TRIES_WITH_EXCHANGE ? exchanges : [];
    const after = await recordReports(domain, entries, { exchanges: kept });
    const known = new Map(after.flatMap(({ tasks }) => tasks.map((task) => [task.id, task.providerTaskId])));
    for (const { report } of told) warnOfTwoIds(domain, report, known.get(report.taskId));
  };
  await persist(write, (error, tries) => {
    const said = told.map(({ report: { taskId, report } }) => ({ task: taskId, ...nameOf(report) }));
    domain.log.error({ err: error, said }, 'the answer to a submission is not stored yet');
    return isUnavailable(error) || tries < MOST_TRIES;
  });
  domain.reach?.('submit:stored');
}

function warnOfTwoIds(domain: Domain, { taskId, report }: Told['report'], known: string | null | undefined): void {
  if (report.kind !== 'ACCEPTED' || known === report.providerTaskId) return;
  const { providerTaskId: told } = report;
  domain.log.error({ task: taskId, known, told }, 'one submission has two ids at its provider: it may be billed twice');
}

function nameOf(report: SubmitReport): { kind: string; providerTaskId?: string } {
  return report.kind === 'ACCEPTED'
    ? { kind: report.kind, providerTaskId: report.providerTaskId }
    : { kind: report.kind };
}
