import type { Outcome } from './campaign.ts';
import type { Fault } from './check.ts';

/** What was bought, sent or stored twice. */
export function findDuplicated({ placed, records, sentAgain }: Outcome): Fault[] {
  const { generations, tasks, jobs } = records;
  const idOf = new Map(generations.map(({ prompt, id }) => [prompt, id]));
  const duplicated = (prompt: string, why: string): Fault => ({
    kind: 'duplicated',
    generationId: idOf.get(prompt) ?? null,
    why,
  });
  const acknowledged = new Set(placed.map(({ id }) => id));
  return [
    ...repeated(jobs.map(({ prompt }) => prompt)).map((prompt) => duplicated(prompt, 'the provider made it twice')),
    ...sentAgain.map((prompt) => duplicated(prompt, 'it was sent again and may have been taken the first time')),
    ...repeated(generations.map(({ prompt }) => prompt)).map((prompt) =>
      duplicated(prompt, 'one key, two generations'),
    ),
    ...generations
      .filter(({ id }) => !acknowledged.has(id))
      .map(({ prompt }) => duplicated(prompt, 'no client was told of it')),
    ...repeated(tasks.flatMap(({ providerTaskId }) => providerTaskId ?? [])).map(
      (id): Fault => ({ kind: 'duplicated', generationId: null, why: `two tasks have the provider's ${id}` }),
    ),
  ];
}

function repeated(items: readonly string[]): string[] {
  return [...new Set(items.filter((item, i) => items.indexOf(item) !== i))];
}
