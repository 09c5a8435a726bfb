import { Fault } from '../fault.ts';
import { readVersionCursor } from '../generation/cursor.ts';
import { isFinished } from '../generation/derive.ts';
import type { Update } from '../generation/latest-state.ts';
import { builder } from './builder.ts';
import type { Context } from './context.ts';
import { UpdateKindEnum } from './enums.ts';
import { findNamed } from './generations.ts';

const GenerationUpdate = builder.objectRef<Update>('GenerationUpdate').implement({
  description: 'The whole state of a generation, at one version.',
  fields: (t) => ({
    cursor: t.expose('cursor', {
      type: 'Cursor',
      description: 'Resume with it as `after`. Over Server-Sent Events it is the id of the event too.',
    }),
    kind: t.expose('kind', { type: UpdateKindEnum, description: 'Why it was sent.' }),
    final: t.boolean({
      description: 'True once, in the last message.',
      resolve: ({ generation }) => isFinished(generation.status),
    }),
    generation: t.expose('generation', { type: 'Generation', description: 'The state, assets included.' }),
  }),
});

builder.subscriptionField('generationUpdated', (t) =>
  t.field({
    type: GenerationUpdate,
    description:
      'By id or by idempotency key, exactly one. Sends the present state at once unless `after` already holds it, then each newer state, and completes at a final one. Every message carries the whole state, assets included. May skip states in between, never the final one.',
    args: {
      id: t.arg.id({ description: 'Of the generation, gen_….' }),
      idempotencyKey: t.arg.string({ description: 'The key it was created with, or given back for.' }),
      after: t.arg({
        type: 'Cursor',
        description: 'Of createGeneration, or of the last message received. The header Last-Event-ID wins over it.',
      }),
    },
    subscribe: async (_root, { id, idempotencyKey, after }, context) => {
      const generation = await findNamed(context, { id, idempotencyKey });
      if (!generation) {
        const argument = id == null ? 'idempotencyKey' : 'id';
        throw new Fault('BAD_USER_INPUT', `There is no generation with this ${argument}; create it first.`, argument, [
          'one of your own generations',
        ]);
      }
      return context.watcher.watch(generation, heldVersion(context, generation.id, after));
    },
    resolve: (update) => update,
  }),
);

/** An EventSource keeps its URL, with the `after` it began with, and tells what it received since in a header. */
function heldVersion({ caller, lastEventId }: Context, id: string, after: string | null | undefined): number {
  if (lastEventId !== null) return readVersionCursor(caller, lastEventId, id, 'Last-Event-ID');
  return after == null ? 0 : readVersionCursor(caller, after, id, 'after');
}
