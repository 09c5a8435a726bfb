import { cancelGeneration } from '../generation/cancel.ts';
import { builder } from './builder.ts';
import { UserError } from './user-errors.ts';

const CancelGenerationPayload = builder
  .objectRef<Awaited<ReturnType<typeof cancelGeneration>>>('CancelGenerationPayload')
  .implement({
    description: 'The generation as it now stands, or why it could not be canceled.',
    fields: (t) => ({
      generation: t.field({
        type: 'Generation',
        nullable: true,
        description: 'As it now stands; null when there is none.',
        resolve: ({ generation }) => generation,
      }),
      errors: t.field({
        type: [UserError],
        description: 'Empty when it is canceled.',
        resolve: (canceled) => (canceled.ok ? [] : canceled.errors),
      }),
    }),
  });

builder.mutationField('cancelGeneration', (t) =>
  t.field({
    type: CancelGenerationPayload,
    description:
      'Ends what can still be ended. `cancelability` says beforehand what it may cost. Canceling twice is the same as once.',
    args: { id: t.arg.id({ required: true, description: 'Of the generation, gen_….' }) },
    resolve: (_root, { id }, { domain, caller }) => cancelGeneration(domain, caller, id),
  }),
);
