import { and, asc, eq, gt, inArray, sql } from 'drizzle-orm';
import type { Database } from '../db/connect.ts';
import { events, feed, generations } from '../db/schema.ts';
import { existsUpTo, type FeedPage, toPage } from './feed-page.ts';

/** By generation, its own events behind a position: one statement for however many generations. */
export async function readByGeneration(
  db: Database,
  generationIds: readonly string[],
  { after, limit }: { after: number; limit: number },
): Promise<Map<string, FeedPage>> {
  const asked = db
    .select({
      generationId: generations.id,
      last: feed.last,
      floor: feed.floor,
      earlier: existsUpTo(eq(events.generationId, generations.id), after),
    })
    .from(generations)
    .innerJoin(feed, sql`true`)
    .where(inArray(generations.id, [...generationIds]))
    .as('asked');
  const page = db
    .select()
    .from(events)
    .where(and(eq(events.generationId, asked.generationId), gt(events.position, after)))
    .orderBy(asc(events.version))
    .limit(limit + 1)
    .as('page');
  const rows = await db.select().from(asked).leftJoinLateral(page, sql`true`).orderBy(asc(page.position));
  const groups = new Map<string, typeof rows>();
  for (const row of rows) {
    const group = groups.get(row.asked.generationId);
    if (group) group.push(row);
    else groups.set(row.asked.generationId, [row]);
  }
  return new Map([...groups].flatMap(([id, group]) => (group[0] ? [[id, pageOf(group, group[0].asked, limit)]] : [])));
}

function pageOf(
  group: { page: Parameters<typeof toPage>[0][number] }[],
  ends: Pick<FeedPage, 'last' | 'floor' | 'earlier'>,
  limit: number,
): FeedPage {
  return toPage(
    group.map(({ page }) => page),
    { ...ends, limit, lookedUpTo: ends.last },
  );
}
