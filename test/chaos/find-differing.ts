import type { Outcome } from './campaign.ts';
import type { Fault } from './check.ts';
import { groupBy } from './group.ts';
import { losesItsAnswer } from './orders.ts';
import type { GenerationRow, Records } from './records.ts';

/**
 * What did not end as it does without faults. Not compared: what is uncertain, and what a client wanted to cancel, where
 * a race decides. Without faults only what loses its answer at the provider may be uncertain.
 */
export function findDiffering({ placed, records }: Outcome, calm: Outcome): Fault[] {
  const calmEnds = endsOf(calm.records);
  const ends = endsOf(records);
  return placed.flatMap(({ order, id }): Fault[] => {
    const [end, calmEnd] = [ends.get(order.prompt), calmEnds.get(order.prompt)];
    if (!end || !calmEnd) return [{ kind: 'differing', generationId: id, why: 'it is not there in one of the runs' }];
    if (isUncertain(calmEnd.generation) && !losesItsAnswer(order)) {
      return [{ kind: 'differing', generationId: id, why: 'it is uncertain without a fault' }];
    }
    const isRace = order.cancelAfterMs !== null;
    if (isRace || isUncertain(end.generation) || isUncertain(calmEnd.generation)) return [];
    if (end.text === calmEnd.text) return [];
    return [{ kind: 'differing', generationId: id, why: `${end.text}; without faults ${calmEnd.text}` }];
  });
}

export function isUncertain({ failure }: Pick<GenerationRow, 'failure'>): boolean {
  return failure === 'OUTCOME_UNKNOWN';
}

/** How each order ended, by its prompt. */
function endsOf({ generations, assets }: Records): Map<string, { generation: GenerationRow; text: string }> {
  const stored = groupBy(
    assets.filter(({ state }) => state === 'STORED'),
    ({ generationId }) => generationId,
  );
  return new Map(
    generations.map((generation) => {
      const { id, prompt, status, failure } = generation;
      const pictures = (stored.get(id) ?? []).map(({ index, sha256 }) => `${index}:${sha256?.slice(0, 8)}`);
      return [prompt, { generation, text: [status, failure, ...pictures].join(' ') }];
    }),
  );
}
