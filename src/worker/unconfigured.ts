import type { Domain } from '../generation/domain.ts';
import { recordReports } from '../generation/record.ts';
import type { Report } from '../generation/report.ts';
import type { Task } from '../generation/types.ts';
import { delayed, UNCONFIGURED } from './delay.ts';

/** How long past its deadline a task waits for its provider to be configured again: as long as results live. */
const GRACE_MS = 24 * 3_600_000;

/** Gives back accepted tasks whose provider is not configured here, which is not their fault; given up in the end. */
export async function giveUnconfiguredBack(domain: Domain, tasks: readonly Task[], now: number): Promise<void> {
  if (tasks.length === 0) return;
  const providers = [...new Set(tasks.map(({ provider }) => provider))];
  domain.log.warn({ tasks: tasks.length, providers }, 'their provider is no longer configured');
  await recordReports(
    domain,
    tasks.flatMap((task) => reportsOn(task, now).map((report) => ({ generationId: task.generationId, report }))),
  );
}

function reportsOn(task: Task, now: number): Report[] {
  const { id: taskId, leaseToken: token, deadlineAt } = task;
  const again = delayed(task, UNCONFIGURED);
  return now > deadlineAt.getTime() + GRACE_MS ? [again, { kind: 'TIME_UP', taskId, token }] : [again];
}
