import type { Domain } from '../generation/domain.ts';
import { recordReports } from '../generation/record.ts';
import type { Report } from '../generation/report.ts';
import type { Task } from '../generation/types.ts';

export interface Delay {
  delayMs: number;
  /** What stood in the way was not the task's fault: the try does not count. */
  blameless?: boolean;
}

/** Until it is looked again whether the provider of a task is configured. */
export const UNCONFIGURED: Delay = { delayMs: 30_000, blameless: true };
/** After something that nobody foresaw. */
export const AFTER_A_FAILURE: Delay = { delayMs: 5_000 };

/** Gives a task back for later. Of one that was marked as leaving nobody knows whether it left: it becomes UNCERTAIN. */
export function delayTask(domain: Domain, task: Task, delay: Delay): Promise<void> {
  return delayTasks(domain, [task], delay);
}

export async function delayTasks(domain: Domain, tasks: readonly Task[], delay: Delay): Promise<void> {
  await recordReports(
    domain,
    tasks.map((task) => ({ generationId: task.generationId, report: delayed(task, delay) })),
  );
}

export function delayed({ id: taskId, leaseToken: token }: Task, delay: Delay): Report {
  return { kind: 'DELAYED', taskId, token, ...delay };
}
