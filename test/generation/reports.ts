import { deriveGeneration } from '../../src/generation/derive.ts';
import { applyReport } from '../../src/generation/machine.ts';
import type { PollReport, SubmitReport } from '../../src/generation/provider-report.ts';
import type { Report } from '../../src/generation/report.ts';
import type { Generation, Task, TaskStatus } from '../../src/generation/types.ts';
import { sampleFacts, sampleGeneration, sampleImages, sampleTrouble } from './samples.ts';
import { momentAt, START } from './story.ts';

/** One second after the start, when the reports of these tests come. */
export const MOMENT = momentAt(new Date(START.getTime() + 1_000));

/** A generation with one task for two images, which is in this status and held under token 5. */
export function withTask(status: TaskStatus, changes: Partial<Task> = {}): Generation {
  const generation = sampled([2], status);
  return { ...generation, tasks: generation.tasks.map((task) => ({ ...task, ...changes })) };
}

export function both(status: TaskStatus): Generation {
  return sampled([2, 2], status);
}

export function sampled(counts: number[], status: TaskStatus): Generation {
  const generation = sampleGeneration(counts, { at: START });
  const held = { status, leaseToken: 5, workerId: 'wrk_1', tries: 1 };
  const tasks = generation.tasks.map((task) => ({ ...task, ...held }));
  if (status === 'QUEUED') return { ...generation, tasks };
  const sent = tasks.map((task) => ({ ...task, submissionId: 'sub_1', submittedAt: START }));
  return deriveGeneration({ ...generation, tasks: sent }, START);
}

export function collect(generation: Generation, count: number, task = 0): Generation {
  const report = polled({ kind: 'FINISHED', images: sampleImages(count), credits: '4' });
  return applyReport(generation, report(the(generation.tasks[task])), MOMENT);
}

export function stored({ tasks, assets }: Generation, asset: number): Report {
  return { kind: 'STORED', ...of(the(tasks[0])), assetId: the(assets[asset]).id, facts: sampleFacts() };
}

export function lostOf({ tasks, assets }: Generation, asset: number): Report {
  const failure = sampleTrouble({ code: 'RESULT_INVALID' });
  return { kind: 'LOST', ...of(the(tasks[0])), assetId: the(assets[asset]).id, failure };
}

export function answered(report: SubmitReport): (task: Task) => Report {
  return (task) => ({ kind: 'SUBMITTED', taskId: task.id, submissionId: 'sub_1', report });
}

export function polled(report: PollReport): (task: Task) => Report {
  return (task) => ({ kind: 'POLLED', ...of(task), pollCount: task.pollCount + 1, report, resultTtlSeconds: 3600 });
}

export function of({ id: taskId, leaseToken: token }: Task): { taskId: string; token: number } {
  return { taskId, token };
}

export function taskOf({ tasks }: Generation): Task {
  return the(tasks[0]);
}

export function the<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('It should be there.');
  return value;
}
