import type { Outcome } from './campaign.ts';
import type { Fault } from './check.ts';
import { isUncertain } from './find-differing.ts';

/** The figures of one campaign. */
export interface Tally {
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
  /** What the provider did not refund, and where it went. */
  billed: number;
  delivered: number;
  billedUncertain: number;
  billedCanceled: number;
  lost: number;
  duplicated: number;
  differing: number;
  otherFaults: number;
}

export function tallyOf({ records, counts }: Outcome, faults: readonly Fault[]): Tally {
  const { generations, tasks, events, jobs } = records;
  const statusOf = new Map(generations.map((generation) => [generation.prompt, generation]));
  const billed = jobs.filter(({ refunded }) => !refunded).map(({ prompt }) => statusOf.get(prompt));
  const wasUncertain = new Set(
    events.filter(({ taskStatus }) => taskStatus === 'UNCERTAIN').map(({ taskId }) => taskId),
  );
  const linked = tasks.filter(({ providerTaskId }) => providerTaskId !== null);
  const count = (kind: Fault['kind']) => faults.filter((fault) => fault.kind === kind).length;
  const [lost, duplicated, differing] = [count('lost'), count('duplicated'), count('differing')];
  return {
    generations: generations.length,
    kills: [...counts.values()].reduce((sum, times) => sum + times, 0),
    succeeded: generations.filter(({ status }) => /SUCCEEDED/.test(status)).length,
    failed: generations.filter((each) => each.status === 'FAILED' && !isUncertain(each)).length,
    canceled: generations.filter(({ status }) => status === 'CANCELED').length,
    uncertain: generations.filter(isUncertain).length,
    adopted: linked.filter((task) => wasUncertain.has(task.id) && !isUncertain(task)).length,
    adoptedLate: linked.filter(isUncertain).length,
    billed: billed.length,
    delivered: billed.filter((each) => /SUCCEEDED/.test(each?.status ?? '')).length,
    billedUncertain: billed.filter((each) => each && isUncertain(each)).length,
    billedCanceled: billed.filter((each) => each?.status === 'CANCELED').length,
    lost,
    duplicated,
    differing,
    otherFaults: faults.length - lost - duplicated - differing,
  };
}
