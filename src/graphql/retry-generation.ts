import { retryGeneration } from '../generation/retry.ts';
import { builder } from './builder.ts';
import { CreateGenerationPayload } from './create-generation-payload.ts';
import { RoutingInput, toRouting } from './routing-input.ts';

builder.mutationField('retryGeneration', (t) =>
  t.field({
    type: CreateGenerationPayload,
    description:
      'Orders anew the pictures that a finished generation lacks, as a new generation whose `retryOf` names it; all else is as it was asked, the length of its deadline included. A new purchase with a key of its own. What failed with `billed` YES, PARTLY or UNKNOWN, as OUTCOME_UNKNOWN does, may so be paid twice, and a picture of the first may still arrive late. NOT_RETRYABLE: it is not finished yet (wait, or cancel it), or it lacks nothing. NOT_FOUND: there is no such generation, or it is not yours.',
    args: {
      id: t.arg.id({ required: true, description: 'Of the generation to ask for again, gen_….' }),
      idempotencyKey: t.arg.string({
        description:
          'One key per intended retry, not that of the first purchase; send the SAME key on every repetition of this call. 1 to 255 characters. For another id or routing it is an IdempotencyConflictError.',
      }),
      routing: t.arg({
        type: RoutingInput,
        description: 'None: as the first one had it. Its `maxCost` holds for this purchase either way.',
      }),
    },
    resolve: (_root, { id, idempotencyKey, routing }, { domain, caller }) =>
      retryGeneration(domain, caller, {
        id,
        idempotencyKey: idempotencyKey ?? null,
        routing: routing ? toRouting(routing) : null,
      }),
  }),
);
