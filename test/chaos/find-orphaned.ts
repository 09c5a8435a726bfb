import type { Outcome } from './campaign.ts';
import type { Fault } from './check.ts';
import type { GenerationRow, Records, TaskRow } from './records.ts';

/** What the provider has and we do not know of, or know wrongly: each job is linked, or its task admits not to know. */
export function findOrphaned({ records }: Outcome): Fault[] {
  const known = new Set(records.jobs.map(({ taskId }) => taskId));
  const invented = records.tasks.filter(({ providerTaskId }) => providerTaskId !== null && !known.has(providerTaskId));
  return [
    ...listUnlinked(records)
      .filter(({ task }) => !task || !admitsNotToKnow(task))
      .map(({ task, taskId }) =>
        orphaned(
          task?.generationId ?? null,
          `the provider has ${taskId}, and its task is ${task?.status} ${task?.failure}, billed ${task?.billed}`,
        ),
      ),
    ...listBilledForNothing(records).map(({ id, status, failure, billed }) =>
      orphaned(id, `it is billed and ${status} ${failure}, billed ${billed}`),
    ),
    ...invented.map(({ generationId, providerTaskId }) =>
      orphaned(generationId, `the provider does not know ${providerTaskId}`),
    ),
  ];
}

/** What is billed is delivered, or was canceled too late, or is known to be unknown; and never said to be free. */
function listBilledForNothing({ jobs, generations }: Records): GenerationRow[] {
  const billed = new Set(jobs.filter(({ refunded }) => !refunded).map(({ prompt }) => prompt));
  const isRight = (generation: GenerationRow) =>
    ['SUCCEEDED', 'PARTIALLY_SUCCEEDED'].includes(generation.status) || admitsNotToKnow(generation);
  return generations.filter((generation) => billed.has(generation.prompt) && !isRight(generation));
}

/** The jobs whose id we never stored, each with the task it was made for. */
function listUnlinked({ jobs, tasks, generations }: Records): { taskId: string; task: TaskRow | undefined }[] {
  const linked = new Set(tasks.map(({ providerTaskId }) => providerTaskId));
  const idOf = new Map(generations.map(({ prompt, id }) => [prompt, id]));
  const taskOf = new Map(tasks.map((task) => [task.generationId, task]));
  return jobs
    .filter(({ taskId }) => !linked.has(taskId))
    .map(({ taskId, prompt }) => ({ taskId, task: taskOf.get(idOf.get(prompt) ?? '') }));
}

/** Of what nobody heard the end of, or what was canceled before: that it may be billed. NO would be a guess. */
function admitsNotToKnow({ failure, billed }: TaskRow | GenerationRow): boolean {
  const isOpen = failure === 'OUTCOME_UNKNOWN' || failure === 'CANCELED';
  return isOpen && billed !== null && billed !== 'NO';
}

function orphaned(generationId: string | null, why: string): Fault {
  return { kind: 'orphaned', generationId, why };
}
