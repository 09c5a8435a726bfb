import { and, asc, eq, gt, inArray, sql } from 'drizzle-orm';
import type { Database } from '../db/connect.ts';
import { isId } from '../db/id.ts';
import { events, feed } from '../db/schema.ts';
import { existsUpTo, type FeedPage, toPage } from './feed-page.ts';

/** Whose feed: one workspace's, in one mode. */
export interface FeedOwner {
  workspaceId: string;
  mode: string;
}

/** Null: any. An empty list matches nothing. */
export interface EventFilter {
  types: readonly string[] | null;
  generationIds: readonly string[] | null;
}

export const ANY: EventFilter = { types: null, generationIds: null };

/** One request looks at no more events than these for the types that are asked for. */
const MOST_LOOKED_AT = 10_000;

/** The events of one feed behind a position, in order; all of it as it was at one instant. */
export async function readFeed(
  db: Database,
  owner: FeedOwner,
  { after, limit, filter = ANY }: { after: number; limit: number; filter?: EventFilter },
): Promise<FeedPage> {
  const { found, order, lookedUpTo } = search(db, owner, after, filter);
  const page = db
    .select()
    .from(found)
    .where(filter.types ? inArray(found.type, [...filter.types]) : undefined)
    .orderBy(order)
    .limit(limit + 1)
    .as('page');
  const earlier = existsUpTo(and(eq(events.workspaceId, owner.workspaceId), eq(events.mode, owner.mode)), after);
  const ends = db.select({ last: feed.last, floor: feed.floor, lookedUpTo, earlier }).from(feed).as('ends');
  const rows = await db.select().from(ends).leftJoinLateral(page, sql`true`).orderBy(asc(page.position));
  const [first] = rows;
  if (!first) throw new Error('The table feed has lost its row.');
  return toPage(
    rows.map((row) => row.page),
    { ...first.ends, limit, lookedUpTo: Number(first.ends.lookedUpTo ?? first.ends.last) },
  );
}

/** The ends of the feed: what is deleted, and what was stamped last. */
export async function readFeedEnds(db: Database): Promise<{ floor: number; last: number }> {
  const [ends] = await db.select({ floor: feed.floor, last: feed.last }).from(feed);
  if (!ends) throw new Error('The table feed has lost its row.');
  return ends;
}

/** What is looked through, by which order, and where the look ends if it does not go to the end of the feed. */
function search(db: Database, { workspaceId, mode }: FeedOwner, after: number, { types, generationIds }: EventFilter) {
  const mine = and(eq(events.workspaceId, workspaceId), eq(events.mode, mode));
  const toTheEnd = sql<string | null>`null::bigint`.as('looked_up_to');
  const inOrder = db
    .select()
    .from(events)
    .where(and(mine, gt(events.position, after)))
    .orderBy(asc(events.position));
  if (generationIds || types?.length === 0) {
    const ids = types?.length === 0 ? [] : (generationIds ?? []).filter((id) => isId('gen', id));
    // A generation has few events: `+ 0` keeps PostgreSQL from walking the whole feed in search of them.
    const theirs = and(mine, inArray(events.generationId, ids), sql`${events.position} + 0 > ${after}`);
    const found = db.select().from(events).where(theirs).as('found');
    return { found, order: sql`${found.position} + 0`, lookedUpTo: toTheEnd };
  }
  const found = (types ? inOrder.limit(MOST_LOOKED_AT) : inOrder).as('found');
  const end = sql<string | null>`(
    select position from ${events} where ${mine} and ${gt(events.position, after)}
    order by position offset ${MOST_LOOKED_AT - 1} limit 1)`;
  return { found, order: asc(found.position), lookedUpTo: types ? end.as('looked_up_to') : toTheEnd };
}
