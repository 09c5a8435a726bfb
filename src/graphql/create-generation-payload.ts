import { versionCursor } from '../generation/cursor.ts';
import type { Created } from '../generation/purchase.ts';
import { builder } from './builder.ts';
import { UserError } from './user-errors.ts';

export const CreateGenerationPayload = builder.objectRef<Created>('CreateGenerationPayload').implement({
  description: 'A generation, or why there is none.',
  fields: (t) => ({
    generation: t.field({
      type: 'Generation',
      nullable: true,
      description: 'Stored before this was answered.',
      resolve: (created) => (created.ok ? created.generation : null),
    }),
    replayed: t.boolean({
      description:
        'True when the idempotency key had been used for this same request before. Nothing was bought by this call.',
      resolve: (created) => created.ok && created.replayed,
    }),
    reused: t.boolean({
      description:
        'True when an earlier, identical generation was given back (`reuseWithinSeconds`), now or when this key was first used. Nothing was bought with this key.',
      resolve: (created) => created.ok && created.reused,
    }),
    cursor: t.field({
      type: 'Cursor',
      nullable: true,
      description: 'Subscribe with it to miss nothing since creation.',
      resolve: (created) => (created.ok ? versionCursor(created.generation) : null),
    }),
    errors: t.field({
      type: [UserError],
      description: 'Empty when there is a generation.',
      resolve: (created) => (created.ok ? [] : created.errors),
    }),
  }),
});
