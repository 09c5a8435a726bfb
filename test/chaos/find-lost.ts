import type { Outcome } from './campaign.ts';
import type { Fault } from './check.ts';

/** What was acknowledged and is not there or not finished, and tasks that nobody would ever take up. */
export function findLost({ placed, records }: Outcome): Fault[] {
  const rows = new Map(records.generations.map((row) => [row.id, row]));
  const missing = placed.filter(({ id }) => !rows.has(id));
  const unfinished = records.generations.filter(({ finished }) => !finished);
  const stranded = records.tasks.filter(({ finished, leased, later }) => !finished && !leased && !later);
  const stillHeld = records.tasks.filter(({ finished, held }) => finished && held);
  const pending = records.assets.filter(({ state }) => state === 'PENDING');
  return [
    ...missing.map(({ id }) => lost(id, 'it was acknowledged and is not there')),
    ...unfinished.map(({ id, status }) => lost(id, `it is still ${status}`)),
    ...stranded.map(({ id, generationId, status }) => lost(generationId, `nobody takes up ${id}, ${status}`)),
    ...stillHeld.map(({ id, generationId }) => lost(generationId, `${id} is final and still held`)),
    ...pending.map(({ id, generationId }) => lost(generationId, `${id} was not brought home`)),
  ];
}

function lost(generationId: string, why: string): Fault {
  return { kind: 'lost', generationId, why };
}
