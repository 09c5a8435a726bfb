import { and, asc, desc, eq, exists, gte, ilike, inArray, lte, type SQL, sql } from 'drizzle-orm';
import { generations, tasks } from '../db/schema.ts';
import { Fault } from '../fault.ts';
import type { Caller } from '../workspace/caller.ts';
import { type Place, pageCursor, readPageCursor } from './cursor.ts';
import type { Domain } from './domain.ts';
import { owned } from './find.ts';
import { checkPageSize } from './range.ts';
import { toGeneration, WHOLE } from './rows.ts';
import { search } from './search.ts';
import type { Generation, GenerationStatus } from './types.ts';

export interface Page {
  first: number | null;
  after: string | null;
  last: number | null;
  before: string | null;
}

export interface GenerationFilter {
  status: GenerationStatus[] | null;
  provider: string[] | null;
  createdAfter: Date | null;
  createdBefore: Date | null;
  promptContains: string | null;
}

export interface GenerationPage {
  generations: Generation[];
  hasNextPage: boolean;
  hasPreviousPage: boolean;
}

/**
 * The caller's generations, newest first, by keyset: a page costs the same wherever it starts, also by status and time.
 * The other filters look at one after the other until the page is full, and for two seconds at the most.
 */
export async function listGenerations(
  { db }: Pick<Domain, 'db'>,
  caller: Caller,
  page: Page,
  filter: GenerationFilter,
): Promise<GenerationPage> {
  const { size, backwards } = sizeOf(page);
  const after = page.after === null ? null : readPageCursor(caller, page.after, 'after');
  const before = page.before === null ? null : readPageCursor(caller, page.before, 'before');
  const lanes = lanesOf(filter).map((lane) =>
    and(owned(caller), within(after, before, filter), ...conditions(db, filter), lane),
  );
  const read = (reader: Reader) => readLanes(reader, lanes, size + 1, backwards);
  const isSearch = filter.promptContains !== null || filter.provider !== null;
  const rows = lanes.length === 0 ? [] : isSearch ? await search(db, caller, read) : await read(db);
  const more = rows.length > size;
  const found = rows.slice(0, size).map(toGeneration);
  return {
    generations: backwards ? found.reverse() : found,
    hasNextPage: before !== null || (!backwards && more),
    hasPreviousPage: after !== null || (backwards && more),
  };
}

export function cursorOf(generation: Generation): string {
  return pageCursor(generation);
}

/** Each status is a walk of its own along the index; of several, the pages are merged. */
function lanesOf({ status }: GenerationFilter): (SQL | undefined)[] {
  return status === null ? [undefined] : [...new Set(status)].map((each) => eq(generations.status, each));
}

type Reader = Pick<Domain['db'], 'select' | 'query'>;

async function readLanes(db: Reader, lanes: (SQL | undefined)[], limit: number, backwards: boolean) {
  const order = ({ createdAt, id }: Sortable) => (backwards ? [asc(createdAt), asc(id)] : [desc(createdAt), desc(id)]);
  const place = { id: generations.id, createdAt: generations.createdAt };
  const reads = lanes.map((lane) => {
    const read = db.select(place).from(generations).where(lane);
    return sql`(${read.orderBy(...order(generations)).limit(limit)})`;
  });
  const merged = sql`select id from (${sql.join(reads, sql` union all `)}) as lanes`;
  return db.query.generations.findMany({
    where: inArray(generations.id, sql`(${merged})`),
    orderBy: order(generations),
    limit,
    with: WHOLE,
  });
}

type Sortable = Pick<typeof generations, 'createdAt' | 'id'>;

/**
 * Behind the one place and ahead of the other, and within the times asked for. Of two bounds on one side only the
 * tighter is named: PostgreSQL may begin its walk along the index at either.
 */
function within(after: Place | null, before: Place | null, { createdAfter, createdBefore }: GenerationFilter) {
  const place = sql`(${generations.createdAt}, ${generations.id})`;
  const pair = ({ createdAt, id }: Place) => sql`(${createdAt.toISOString()}::timestamptz, ${id})`;
  const [early, late] = [createdAfter?.getTime() ?? -Infinity, createdBefore?.getTime() ?? Infinity];
  const upper = after && after.createdAt.getTime() <= late ? sql`${place} < ${pair(after)}` : undefined;
  const lower = before && before.createdAt.getTime() >= early ? sql`${place} > ${pair(before)}` : undefined;
  return and(
    upper ?? (createdBefore ? lte(generations.createdAt, createdBefore) : undefined),
    lower ?? (createdAfter ? gte(generations.createdAt, createdAfter) : undefined),
  );
}

function sizeOf({ first, last }: Page): { size: number; backwards: boolean } {
  if (last !== null && first !== null) {
    throw new Fault('BAD_USER_INPUT', 'first and last exclude each other; pass one.', 'last', [
      'first or last, not both',
    ]);
  }
  const size = last ?? first ?? 20;
  checkPageSize(last === null ? 'first' : 'last', size);
  return { size, backwards: last !== null };
}

function conditions(db: Domain['db'], filter: GenerationFilter): (SQL | undefined)[] {
  const { provider, promptContains } = filter;
  if ([promptContains, ...(provider ?? [])].some((text) => text?.includes('\0'))) {
    throw new Fault('BAD_USER_INPUT', 'filter must not contain a NUL character.', 'filter', ['text without U+0000']);
  }
  return [
    promptContains ? ilike(generations.prompt, `%${promptContains.replace(/[\\%_]/g, '\\$&')}%`) : undefined,
    provider
      ? exists(
          db
            .select({ one: sql`1` })
            .from(tasks)
            .where(and(eq(tasks.generationId, generations.id), inArray(tasks.provider, provider))),
        )
      : undefined,
  ];
}
