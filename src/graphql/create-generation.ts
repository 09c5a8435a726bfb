import { Fault } from '../fault.ts';
import { createGeneration, createGenerations } from '../generation/create.ts';
import type { Created } from '../generation/purchase.ts';
import { builder } from './builder.ts';
import { CreateGenerationInput, toInput } from './create-generation-input.ts';
import { CreateGenerationPayload } from './create-generation-payload.ts';

const MOST_AT_ONCE = 50;

const CreateGenerationsPayload = builder.objectRef<Created[]>('CreateGenerationsPayload').implement({
  description: 'One result per input, in the same order.',
  fields: (t) => ({
    results: t.field({
      type: [CreateGenerationPayload],
      description: 'Each on its own.',
      resolve: (results) => results,
    }),
  }),
});

builder.mutationField('createGeneration', (t) =>
  t.field({
    type: CreateGenerationPayload,
    description:
      'Stores the order and answers at once; workers send it to a provider. Watch it with `generationUpdated`.',
    args: { input: t.arg({ type: CreateGenerationInput, required: true, description: 'What to make.' }) },
    resolve: (_root, { input }, { domain, caller }) => createGeneration(domain, caller, toInput(input)),
  }),
);

builder.mutationField('createGenerations', (t) =>
  t.field({
    type: CreateGenerationsPayload,
    description: 'Up to 50 at once, each on its own: one refused input does not stop the others.',
    args: { inputs: t.arg({ type: [CreateGenerationInput], required: true, description: 'What to make.' }) },
    resolve: (_root, { inputs }, { domain, caller }) => {
      if (inputs.length === 0 || inputs.length > MOST_AT_ONCE) {
        const allowed = `1 to ${MOST_AT_ONCE} inputs`;
        throw new Fault('BAD_USER_INPUT', `inputs has ${inputs.length} entries; ${allowed} are taken.`, 'inputs', [
          allowed,
        ]);
      }
      return createGenerations(domain, caller, inputs.map(toInput));
    },
  }),
);
