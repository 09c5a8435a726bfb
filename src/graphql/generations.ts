import { Fault } from '../fault.ts';
import { findGeneration } from '../generation/find.ts';
import { cursorOf, listGenerations } from '../generation/list.ts';
import type { Generation } from '../generation/types.ts';
import type { Caller } from '../workspace/caller.ts';
import { builder } from './builder.ts';
import type { Context } from './context.ts';
import { GenerationStatusEnum } from './enums.ts';
import { PageInfo } from './page-info.ts';

const GenerationEdge = builder.objectRef<Generation>('GenerationEdge').implement({
  description: 'One generation in a list.',
  fields: (t) => ({
    cursor: t.field({ type: 'Cursor', description: 'Its place in the list.', resolve: cursorOf }),
    node: t.field({ type: 'Generation', description: 'The generation.', resolve: (generation) => generation }),
  }),
});

const GenerationConnection = builder
  .objectRef<Awaited<ReturnType<typeof listGenerations>>>('GenerationConnection')
  .implement({
    description: 'A page of generations, newest first.',
    fields: (t) => ({
      edges: t.field({
        type: [GenerationEdge],
        description: 'Those on this page.',
        resolve: (page) => page.generations,
      }),
      pageInfo: t.field({
        type: PageInfo,
        description: 'Where this page lies.',
        resolve: ({ generations, hasNextPage, hasPreviousPage }) => ({
          hasNextPage,
          hasPreviousPage,
          startCursor: generations[0] ? cursorOf(generations[0]) : null,
          endCursor: generations.at(-1) ? cursorOf(generations.at(-1) as Generation) : null,
        }),
      }),
    }),
  });

const GenerationFilter = builder.inputType('GenerationFilter', {
  description: 'Which generations to list; every condition given must hold.',
  fields: (t) => ({
    status: t.field({ type: [GenerationStatusEnum], description: 'In any of these.' }),
    provider: t.stringList({
      description:
        'With a task at any of these providers, by slug. A search: two seconds, then QUERY_TOO_EXPENSIVE; narrow it by time.',
    }),
    createdAfter: t.field({ type: 'DateTime', description: 'Created then or later.' }),
    createdBefore: t.field({ type: 'DateTime', description: 'Created then or earlier.' }),
    promptContains: t.string({
      description:
        'With this text in the prompt, in any case of letters. A search: two seconds, then QUERY_TOO_EXPENSIVE; narrow it by time.',
    }),
  }),
});

builder.queryField('generation', (t) =>
  t.field({
    type: 'Generation',
    nullable: true,
    description: 'By id or by idempotency key, exactly one. Null when there is none, or when it is not yours.',
    args: {
      id: t.arg.id({ description: 'Its id, gen_….' }),
      idempotencyKey: t.arg.string({ description: 'The key it was created with, or given back for.' }),
    },
    resolve: (_root, args, context) => findNamed(context, args),
  }),
);

builder.queryField('generations', (t) =>
  t.field({
    type: GenerationConnection,
    description: 'Those of the workspace in the mode of the key that asks, newest first.',
    args: {
      first: t.arg.int({ description: 'How many from the start, 1 to 100. Without first and last: 20.' }),
      after: t.arg({ type: 'Cursor', description: 'Begin behind this place.' }),
      last: t.arg.int({ description: 'How many from the end, 1 to 100.' }),
      before: t.arg({ type: 'Cursor', description: 'End ahead of this place.' }),
      filter: t.arg({ type: GenerationFilter, description: 'Which ones.' }),
    },
    resolve: (_root, { first, after, last, before, filter }, { domain, caller }) =>
      listGenerations(
        domain,
        caller,
        { first: first ?? null, after: after ?? null, last: last ?? null, before: before ?? null },
        {
          status: filter?.status ?? null,
          provider: filter?.provider ?? null,
          createdAfter: filter?.createdAfter ?? null,
          createdBefore: filter?.createdBefore ?? null,
          promptContains: filter?.promptContains ?? null,
        },
      ),
  }),
);

/** The generation that exactly one of the two arguments names. */
export function findNamed(
  { domain, caller }: { domain: Context['domain']; caller: Caller },
  { id, idempotencyKey }: { id?: string | null | undefined; idempotencyKey?: string | null | undefined },
): Promise<Generation | null> {
  if (id != null && idempotencyKey == null) {
    if (!id.startsWith('gen_')) {
      throw new Fault('BAD_USER_INPUT', 'id is not the id of a generation.', 'id', ['an id that starts with gen_']);
    }
    return findGeneration(domain, caller, { id });
  }
  if (idempotencyKey != null && id == null) return findGeneration(domain, caller, { idempotencyKey });
  throw new Fault('BAD_USER_INPUT', 'Pass id or idempotencyKey, exactly one.', 'id', ['id', 'idempotencyKey']);
}
