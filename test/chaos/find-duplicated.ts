import type { Outcome } from './campaign.ts';
import type { Fault } from './check.ts';
import { type Match, matchJobs } from './match.ts';
import type { GenerationRow, Records, TaskRow } from './records.ts';
import type { SentPrompt } from './sent.ts';

/** What was bought, sent or stored twice. */
export function findDuplicated({ placed, records, sent }: Outcome): Fault[] {
  const { generations, tasks } = records;
  const acknowledged = new Set(placed.map(({ id }) => id));
  const matches = matchJobs(records);
  return [
    ...matches
      .filter(({ task }) => task === null)
      .map(({ generationId, job }) => duplicated(generationId, `no task is left for ${job.provider}'s ${job.taskId}`)),
    ...listSentAgain(sent, records).map(({ prompt, provider }) =>
      duplicated(idOf(generations, prompt), `it was sent to ${provider} again, which may have taken the first`),
    ),
    ...listBoughtAgain(records, matches).map(({ generationId, id }) =>
      duplicated(generationId, `another provider was asked although ${id} may have been accepted`),
    ),
    ...repeated(generations.map(({ prompt }) => prompt)).map((prompt) =>
      duplicated(idOf(generations, prompt), 'one key, two generations'),
    ),
    ...generations
      .filter(({ id }) => !acknowledged.has(id))
      .map(({ id }) => duplicated(id, 'no client was told of it')),
    ...repeated(tasks.flatMap(toName)).map((name) => duplicated(null, `two tasks have the name ${name}`)),
  ];
}

/** A prompt leaves once for each task that asks for it. */
function listSentAgain(sent: readonly SentPrompt[], { generations, tasks }: Records): SentPrompt[] {
  return sent.filter(({ provider, prompt, times }) => {
    const id = idOf(generations, prompt);
    return tasks.filter((task) => task.generationId === id && task.provider === provider).length < times;
  });
}

/** Tasks whose slots have a later attempt, and that were not provably refused. */
function listBoughtAgain({ tasks }: Records, matches: readonly Match[]): TaskRow[] {
  const taken = new Set(matches.map(({ task }) => task));
  return tasks.filter((task) => isSuperseded(task, tasks) && (taken.has(task) || task.billed !== 'NO'));
}

/** Whether a later attempt has its slots. */
export function isSuperseded({ generationId, attempt, firstSlot, imageCount }: TaskRow, tasks: readonly TaskRow[]) {
  return tasks.some(
    (other) =>
      other.generationId === generationId &&
      other.attempt > attempt &&
      other.firstSlot < firstSlot + imageCount &&
      firstSlot < other.firstSlot + other.imageCount,
  );
}

function toName({ provider, providerTaskId }: TaskRow): string[] {
  return providerTaskId === null ? [] : [`${providerTaskId} at ${provider}`];
}

function idOf(generations: readonly GenerationRow[], prompt: string): string | null {
  return generations.find((generation) => generation.prompt === prompt)?.id ?? null;
}

function repeated(items: readonly string[]): string[] {
  return [...new Set(items.filter((item, i) => items.indexOf(item) !== i))];
}

function duplicated(generationId: string | null, why: string): Fault {
  return { kind: 'duplicated', generationId, why };
}
