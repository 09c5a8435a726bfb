import type { Outcome } from './campaign.ts';
import type { Fault } from './check.ts';
import { type Match, matchJobs } from './match.ts';
import type { Records, TaskRow } from './records.ts';

/** What a provider has and we do not know of, or know wrongly: each job is linked, or its task admits not to know. */
export function findOrphaned({ records }: Outcome): Fault[] {
  const matches = matchJobs(records);
  return [
    ...matches
      .filter(({ task, isLinked }) => task && !isLinked && !admitsNotToKnow(task))
      .map((match) => orphaned(match, 'its task does not know of it')),
    ...matches
      .filter(({ job, task }) => task && !job.refunded && !isAccountedFor(job.provider, task))
      .map((match) => orphaned(match, 'it is billed')),
    ...listInvented(records).map(({ generationId, provider, providerTaskId }): Fault => {
      return { kind: 'orphaned', generationId, why: `${provider} does not know ${providerTaskId}` };
    }),
  ];
}

/** What is billed is delivered, or was canceled too late, or is known to be unknown; and never said to be free. */
function isAccountedFor(provider: string, task: TaskRow): boolean {
  if (isDelivered(task) || admitsNotToKnow(task)) return true;
  // This one charges when it accepts, and no source speaks of a refund.
  return provider === 'seedance' && task.status === 'FAILED' && task.billed !== 'NO';
}

export function isDelivered({ status }: TaskRow): boolean {
  return status === 'SUCCEEDED' || status === 'PARTIALLY_SUCCEEDED';
}

/** Of what nobody heard the end of, or what was canceled before: that it may be billed. NO would be a guess. */
function admitsNotToKnow({ failure, billed }: TaskRow): boolean {
  const isOpen = failure === 'OUTCOME_UNKNOWN' || failure === 'CANCELED';
  return isOpen && billed !== null && billed !== 'NO';
}

function listInvented({ jobs, tasks }: Records): TaskRow[] {
  const known = new Set(jobs.flatMap(({ provider, names }) => names.map((name) => `${provider} ${name}`)));
  return tasks.filter(
    ({ provider, providerTaskId }) => providerTaskId !== null && !known.has(`${provider} ${providerTaskId}`),
  );
}

function orphaned({ generationId, job, task }: Match, why: string): Fault {
  const { status, failure, billed } = task ?? {};
  const what = `${job.provider} has ${job.taskId}, ${why}: ${status} ${failure}, billed ${billed}`;
  return { kind: 'orphaned', generationId, why: what };
}
