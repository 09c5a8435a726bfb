import { lte, type SQL, sql } from 'drizzle-orm';
import { events } from '../db/schema.ts';

type Row = typeof events.$inferSelect;

/** A row of the log that has its place in the feed. */
export type LoggedEvent = Omit<Row, 'position'> & { position: number };

export interface FeedPage {
  events: LoggedEvent[];
  /** Everything up to here has been looked at: where to go on from, also when nothing was found. */
  upTo: number;
  /** Whether there is, or may be, more behind `upTo`. */
  more: boolean;
  /** Whether this feed has anything up to where the page begins. */
  earlier: boolean;
  /** What begins below it has missed events that retention deleted. */
  floor: number;
  /** The end of the feed. */
  last: number;
}

/** One row more than `limit` was asked for, to know whether there is more. */
export function toPage(
  rows: (Row | null)[],
  { limit, lookedUpTo, ...ends }: Pick<FeedPage, 'last' | 'floor' | 'earlier'> & { limit: number; lookedUpTo: number },
): FeedPage {
  const found = rows.flatMap((row) => (row?.position == null ? [] : [{ ...row, position: row.position }]));
  const page = found.slice(0, limit);
  const cut = found.length > limit;
  const upTo = cut ? (page.at(-1)?.position ?? lookedUpTo) : lookedUpTo;
  return { ...ends, events: page, upTo, more: cut || lookedUpTo < ends.last };
}

/** Whether any of these is at or ahead of a position. */
export function existsUpTo(which: SQL | undefined, position: number) {
  const some = sql`select from ${events} where ${which} and ${lte(events.position, position)}`;
  return sql<boolean>`exists (${some})`.as('earlier');
}
