import type { Outcome } from './campaign.ts';
import type { Fault } from './check.ts';
import { isUncertain } from './find-differing.ts';
import { isDelivered } from './find-orphaned.ts';
import { type Match, matchJobs } from './match.ts';
import { OFFERS } from './offers.ts';

/** The figures of one campaign. */
export interface Tally extends Bill {
  generations: number;
  kills: number;
  succeeded: number;
  failed: number;
  canceled: number;
  uncertain: number;
  /** Tasks that were UNCERTAIN and whose id at the provider was found in time. */
  adopted: number;
  /** The same, found when they had failed as OUTCOME_UNKNOWN. */
  adoptedLate: number;
  /** Tasks that another provider was asked for, because the first had provably not taken them. */
  passedOn: number;
  lost: number;
  duplicated: number;
  differing: number;
  otherFaults: number;
}

/** Jobs that were accepted and not refunded, and what they were paid for. */
interface Bill {
  billed: number;
  delivered: number;
  billedUncertain: number;
  billedCanceled: number;
  /** By the one provider that refunds nothing. */
  billedFailed: number;
}

/** What became of the jobs that one provider accepted. */
export interface ProviderTally extends Bill {
  provider: string;
  accepted: number;
  refunded: number;
  /** Tasks that were sent to it and of which nobody knows what became. */
  uncertain: number;
}

export function tallyOf({ records, counts }: Outcome, faults: readonly Fault[]): Tally {
  const { generations, tasks, events } = records;
  const wasUncertain = new Set(
    events.filter(({ taskStatus }) => taskStatus === 'UNCERTAIN').map(({ taskId }) => taskId),
  );
  const unknown = tasks.filter((task) => isUncertain(task, tasks));
  const uncertain = new Set(unknown.map(({ generationId }) => generationId));
  const linked = tasks.filter(({ providerTaskId }) => providerTaskId !== null);
  const count = (kind: Fault['kind']) => faults.filter((fault) => fault.kind === kind).length;
  const [lost, duplicated, differing] = [count('lost'), count('duplicated'), count('differing')];
  return {
    generations: generations.length,
    kills: [...counts.values()].reduce((sum, times) => sum + times, 0),
    succeeded: generations.filter(({ status }) => /SUCCEEDED/.test(status)).length,
    failed: generations.filter(({ id, status }) => status === 'FAILED' && !uncertain.has(id)).length,
    canceled: generations.filter(({ status }) => status === 'CANCELED').length,
    uncertain: uncertain.size,
    adopted: linked.filter((task) => wasUncertain.has(task.id) && !unknown.includes(task)).length,
    adoptedLate: linked.filter((task) => unknown.includes(task)).length,
    passedOn: tasks.filter(({ attempt }) => attempt > 1).length,
    ...billOf(matchJobs(records)),
    lost,
    duplicated,
    differing,
    otherFaults: faults.length - lost - duplicated - differing,
  };
}

export function tallyProviders({ records }: Outcome): ProviderTally[] {
  const matches = matchJobs(records);
  return OFFERS.map(({ provider }) => {
    const mine = matches.filter(({ job }) => job.provider === provider);
    const unknown = records.tasks.filter((task) => task.provider === provider && isUncertain(task, records.tasks));
    return {
      provider,
      accepted: mine.length,
      refunded: mine.filter(({ job }) => job.refunded).length,
      ...billOf(mine),
      uncertain: unknown.length,
    };
  });
}

function billOf(matches: readonly Match[]): Bill {
  const billed = matches.filter(({ job }) => !job.refunded);
  const rest = billed.flatMap(({ task }) => (task && !isDelivered(task) ? [task] : []));
  return {
    billed: billed.length,
    delivered: billed.filter(({ task }) => task && isDelivered(task)).length,
    billedUncertain: rest.filter(({ failure }) => failure === 'OUTCOME_UNKNOWN').length,
    billedCanceled: rest.filter(({ status }) => status === 'CANCELED').length,
    billedFailed: rest.filter(({ status, failure }) => status === 'FAILED' && failure !== 'OUTCOME_UNKNOWN').length,
  };
}
