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
        description: 'As it now stands, with what it costs as far as known; null when there is none.',
        resolve: ({ generation }) => generation,
      }),
      errors: t.field({
        type: [UserError],
        description: 'Empty when it is canceled, or what could still be canceled of it is.',
        resolve: (canceled) => (canceled.ok ? [] : canceled.errors),
      }),
    }),
  });

builder.mutationField('cancelGeneration', (t) =>
  t.field({
    type: CancelGenerationPayload,
    description:
      'Ends what can still be ended, at once. What was not sent yet costs nothing; what was sent may be billed all the same, since no provider is known to take a task back: `cancelability` says so beforehand, `failure.billed` and `cost` afterwards. A picture that such a provider still makes is kept: it is added to `assets`, the status stays CANCELED. Canceling twice is the same as once. NOT_CANCELABLE: it is over, or its images are already being stored. NOT_FOUND: there is no such generation, or it is not yours.',
    args: { id: t.arg.id({ required: true, description: 'Of the generation, gen_….' }) },
    resolve: (_root, { id }, { domain, caller }) => cancelGeneration(domain, caller, id),
  }),
);
