import { and, eq, inArray, isNotNull } from 'drizzle-orm';
import { isId } from '../db/id.ts';
import { events } from '../db/schema.ts';
import type { FeedPage } from '../events/feed-page.ts';
import { type EventFilter, readFeed } from '../events/read.ts';
import { readByGeneration } from '../events/read-by-generation.ts';
import { Fault } from '../fault.ts';
import type { Caller } from '../workspace/caller.ts';
import { readPositionCursor } from './cursor.ts';
import type { Domain } from './domain.ts';
import { checkPageSize } from './range.ts';
import { toEvent } from './rows.ts';
import type { EventType, GenerationEvent } from './types.ts';

const MOST_GENERATIONS = 100;

/** Null: any. */
export interface WantedEvents {
  types: EventType[] | null;
  generationIds: string[] | null;
}

export interface EventPage {
  workspaceId: string;
  events: GenerationEvent[];
  /** Where to go on from, also when nothing was found. */
  upTo: number;
  hasNextPage: boolean;
  hasPreviousPage: boolean;
}

/** What `first` and `after` ask for, checked. Without `after` it begins with the oldest event that is kept. */
export interface EventSpan {
  limit: number;
  after: number | null;
}

/** Throws a Fault for a size or a cursor that is not allowed. */
export function readSpan(caller: Caller, { first, after }: { first: number; after: string | null }): EventSpan {
  checkPageSize('first', first);
  return { limit: first, after: after === null ? null : readPositionCursor(caller, after, 'after') };
}

/** The caller's feed, oldest first. Throws CURSOR_EXPIRED. */
export async function listEvents(
  { db }: Pick<Domain, 'db'>,
  caller: Caller,
  { limit, after }: EventSpan,
  wanted: WantedEvents,
): Promise<EventPage> {
  const page = await readFeed(db, caller, { after: after ?? 0, limit, filter: checkFilter(wanted) });
  return toEventPage(caller, after, page);
}

/** By generation, its own events, oldest first; in no order of generations. The generations are the caller's. */
export async function listEventsOf(
  { db }: Pick<Domain, 'db'>,
  caller: Caller,
  generationIds: readonly string[],
  { limit, after }: EventSpan,
): Promise<Map<string, EventPage>> {
  const pages = await readByGeneration(db, generationIds, { after: after ?? 0, limit });
  return new Map([...pages].map(([id, page]) => [id, toEventPage(caller, after, page)]));
}

/** Those of these events that are the caller's, in no order. */
export async function listEventsByIds(
  { db }: Pick<Domain, 'db'>,
  { workspaceId, mode }: Caller,
  ids: readonly string[],
): Promise<GenerationEvent[]> {
  const real = ids.filter((id) => isId('evt', id));
  if (real.length === 0) return [];
  const mine = and(eq(events.workspaceId, workspaceId), eq(events.mode, mode), isNotNull(events.position));
  const rows = await db
    .select()
    .from(events)
    .where(and(inArray(events.id, real), mine));
  return rows.flatMap((row) => (row.position === null ? [] : [toEvent({ ...row, position: row.position })]));
}

/** Throws a Fault for more generations than are looked for at once. */
export function checkFilter(wanted: WantedEvents): EventFilter {
  const count = wanted.generationIds?.length ?? 0;
  if (count <= MOST_GENERATIONS) return wanted;
  const message = `filter.generationIds has ${count} entries; at most ${MOST_GENERATIONS} are looked for at once.`;
  throw new Fault('BAD_USER_INPUT', message, 'filter', [`at most ${MOST_GENERATIONS} generationIds`]);
}

/** Throws CURSOR_EXPIRED unless everything behind the position is there. */
export function checkPosition(position: number, { floor, last }: { floor: number; last: number }): void {
  if (position < floor) throw expired('events behind it are older than the retention and deleted');
  // A restored database, or one that lost its last commits, gives these positions out once more.
  if (position > last) throw expired('it is ahead of the feed, whose database was restored from an older state');
}

export function expired(why: string): Fault {
  const advice = 'Read `generations` for the present states, then follow `events` without `after`';
  return new Fault('CURSOR_EXPIRED', `after: ${why}. ${advice}.`, 'after', ['a cursor within EVENT_RETENTION_HOURS']);
}

function toEventPage({ workspaceId }: Caller, after: number | null, page: FeedPage): EventPage {
  if (after !== null) checkPosition(after, page);
  return {
    workspaceId,
    events: page.events.map(toEvent),
    upTo: page.upTo,
    hasNextPage: page.more,
    hasPreviousPage: after !== null && page.earlier,
  };
}
