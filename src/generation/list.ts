import { and, asc, desc, eq, exists, gt, gte, ilike, inArray, lt, lte, type SQL, sql } from 'drizzle-orm';
import { generations, tasks } from '../db/schema.ts';
import { Fault } from '../fault.ts';
import type { Caller } from '../workspace/caller.ts';
import { pageCursor, readPageCursor } from './cursor.ts';
import type { Domain } from './domain.ts';
import { toGeneration, WHOLE } from './rows.ts';
import type { Generation, GenerationStatus } from './types.ts';

const MOST_A_PAGE = 100;

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

/** The caller's generations, newest first, by keyset: a page costs the same wherever it starts. */
export async function listGenerations(
  { db }: Pick<Domain, 'db'>,
  caller: Caller,
  page: Page,
  filter: GenerationFilter,
): Promise<GenerationPage> {
  const { size, backwards } = sizeOf(page);
  const after = page.after === null ? null : readPageCursor(caller, page.after, 'after');
  const before = page.before === null ? null : readPageCursor(caller, page.before, 'before');
  const rows = await db.query.generations.findMany({
    where: and(
      eq(generations.workspaceId, caller.workspaceId),
      eq(generations.mode, caller.mode),
      after === null ? undefined : lt(generations.id, after),
      before === null ? undefined : gt(generations.id, before),
      ...conditions(db, filter),
    ),
    orderBy: backwards ? asc(generations.id) : desc(generations.id),
    limit: size + 1,
    with: WHOLE,
  });
  const more = rows.length > size;
  const found = rows.slice(0, size).map(toGeneration);
  return {
    generations: backwards ? found.reverse() : found,
    hasNextPage: backwards ? before !== null : more,
    hasPreviousPage: backwards ? more : after !== null,
  };
}

export function cursorOf(generation: Generation): string {
  return pageCursor(generation, generation.id);
}

function sizeOf({ first, last }: Page): { size: number; backwards: boolean } {
  if (last !== null && first !== null) {
    throw new Fault('BAD_USER_INPUT', 'first and last exclude each other; pass one.', 'last', [
      'first or last, not both',
    ]);
  }
  const size = last ?? first ?? 20;
  const argument = last === null ? 'first' : 'last';
  if (size >= 1 && size <= MOST_A_PAGE) return { size, backwards: last !== null };
  throw new Fault('BAD_USER_INPUT', `${argument} must be from 1 to ${MOST_A_PAGE}.`, argument, [`1 to ${MOST_A_PAGE}`]);
}

function conditions(db: Domain['db'], filter: GenerationFilter): (SQL | undefined)[] {
  const { status, provider, createdAfter, createdBefore, promptContains } = filter;
  if ([promptContains, ...(provider ?? [])].some((text) => text?.includes('\0'))) {
    throw new Fault('BAD_USER_INPUT', 'filter must not contain a NUL character.', 'filter', ['text without U+0000']);
  }
  return [
    status ? inArray(generations.status, status) : undefined,
    createdAfter ? gte(generations.createdAt, createdAfter) : undefined,
    createdBefore ? lte(generations.createdAt, createdBefore) : undefined,
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
