import { TASK_MOVES } from '../../src/generation/moves.ts';
import type { TaskStatus } from '../../src/generation/types.ts';
import type { Outcome } from './campaign.ts';
import type { Fault } from './check.ts';
import { groupBy } from './group.ts';
import type { EventRow, GenerationRow } from './records.ts';

const FINAL = new Set(['SUCCEEDED', 'PARTIALLY_SUCCEEDED', 'FAILED', 'CANCELED']);

/** Where a history contradicts itself: every client that watched was told these events in this order. */
export function findRewritten({ placed, records }: Outcome): Fault[] {
  const histories = groupBy(records.events, ({ generationId }) => generationId);
  const canceled = new Set(placed.filter(({ canceled }) => canceled).map(({ id }) => id));
  return [
    ...records.generations.flatMap((generation) =>
      [
        ...contradictions(generation, histories.get(generation.id) ?? []),
        ...(canceled.has(generation.id) && generation.status !== 'CANCELED' ? ['its canceling was confirmed'] : []),
      ].map((why) => rewritten(generation.id, why)),
    ),
    ...gapsInTheFeed(records.events).map((why) => rewritten(null, why)),
  ];
}

function contradictions(generation: GenerationRow, history: EventRow[]): string[] {
  const found: string[] = [];
  if (history.some(({ version }, i) => version !== i + 1)) found.push('its versions are not 1, 2, 3');
  if (history.at(-1)?.version !== generation.version)
    found.push(`it is at version ${generation.version}, its events are not`);
  if (history.at(-1)?.status !== generation.status) found.push(`it is ${generation.status}, its last event says other`);
  if (history.filter(({ type }) => type === 'GENERATION_FINISHED').length !== 1) found.push('it did not finish once');
  for (const [i, now] of history.entries()) {
    const before = history[i - 1];
    if (!before) continue;
    if (FINAL.has(before.status) && now.status !== before.status) found.push(`${before.status} became ${now.status}`);
    if ((now.percent ?? 0) < (before.percent ?? 0)) found.push(`${before.percent} % became ${now.percent} %`);
  }
  return [...found, ...impossibleMoves(history)];
}

/** Several moves may be written at once and then are told as one, but none leads back. */
function impossibleMoves(history: EventRow[]): string[] {
  const found: string[] = [];
  const statuses = new Map<string, TaskStatus>();
  for (const { taskId, taskStatus } of history) {
    if (taskId === null || taskStatus === null) continue;
    const before = statuses.get(taskId);
    if (before && !leadsTo(before, taskStatus)) found.push(`${taskId} went from ${before} to ${taskStatus}`);
    statuses.set(taskId, taskStatus);
  }
  return found;
}

function leadsTo(from: TaskStatus, to: TaskStatus, passed: readonly TaskStatus[] = []): boolean {
  if (from === to) return true;
  return TASK_MOVES[from].some((next) => !passed.includes(next) && leadsTo(next, to, [...passed, from]));
}

function gapsInTheFeed(events: readonly EventRow[]): string[] {
  const positions = events.map(({ position }) => position).sort((a, b) => Number(a) - Number(b));
  return positions.some((position, i) => position !== i + 1) ? ['the positions in the feed are not 1, 2, 3'] : [];
}

function rewritten(generationId: string | null, why: string): Fault {
  return { kind: 'rewritten', generationId, why };
}
