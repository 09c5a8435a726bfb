import type { RouteQuote as RouteQuoteShape } from '../generation/quote.ts';
import { quoteGeneration } from '../generation/quote-generation.ts';
import { builder } from './builder.ts';
import { getProvider } from './catalogue.ts';
import { CreateGenerationInput, toInput } from './create-generation-input.ts';
import { Provider } from './provider.ts';
import { ProviderRefusal, UserError } from './user-errors.ts';

const RouteQuote = builder.objectRef<RouteQuoteShape>('RouteQuote').implement({
  description: 'What one provider would make of an order.',
  fields: (t) => ({
    provider: t.field({
      type: Provider,
      description: 'Who would be asked.',
      resolve: ({ provider }, _args, context) => getProvider(context, provider.slug),
    }),
    eligible: t.boolean({
      description: 'Whether it may be asked; `refusals` say why not. One that is not well may be all the same.',
      resolve: ({ fitted }) => fitted !== null,
    }),
    chosen: t.boolean({
      description: 'Whether createGeneration would ask it now. One at most is.',
      resolve: ({ reason }) => reason !== null,
    }),
    reason: t.exposeString('reason', { nullable: true, description: 'Why it is chosen; null for all others.' }),
    price: t.expose('price', {
      type: 'Money',
      nullable: true,
      description: 'Of all images together; null where no price is known, which is not zero.',
    }),
    p50Seconds: t.float({
      nullable: true,
      description: 'How long half of its tasks took of late, from submission to the last image kept; null: none yet.',
      resolve: ({ standing }) => standing.p50Seconds,
    }),
    p95Seconds: t.float({
      nullable: true,
      description: 'How long 95 in 100 of them took at most; null: none yet.',
      resolve: ({ standing }) => standing.p95Seconds,
    }),
    adjustments: t.field({
      type: ['Adjustment'],
      description: 'What would be changed to fit it; empty under STRICT.',
      resolve: ({ fitted }) => fitted?.adjustments ?? [],
    }),
    refusals: t.field({
      type: [ProviderRefusal],
      description: 'Why it is not eligible.',
      resolve: ({ refusals }) => refusals.map((refusal) => ({ ...refusal, path: ['input', ...refusal.path] })),
    }),
  }),
});

const QuotePayload = builder.objectRef<ReturnType<typeof quoteGeneration>>('QuotePayload').implement({
  description: 'What an order would come to, and what createGeneration would say to it.',
  fields: (t) => ({
    routes: t.field({
      type: [RouteQuote],
      description: 'One for each provider that offers the model; empty where the input itself is at fault.',
      resolve: ({ quotes }) => quotes,
    }),
    errors: t.field({
      type: [UserError],
      description: 'What createGeneration would answer now; empty when a route is chosen.',
      resolve: ({ errors }) => errors,
    }),
  }),
});

builder.queryField('quote', (t) =>
  t.field({
    type: QuotePayload,
    description:
      'EXPLAIN for a generation: per provider, eligible or why not, what would be adjusted, the price, the usual time. Spends nothing and stores nothing. createGeneration makes the same choice from the same input, as long as prices, health and history stay as they are; `idempotencyKey` and `reuseWithinSeconds` are not looked at.',
    args: { input: t.arg({ type: CreateGenerationInput, required: true, description: 'What would be made.' }) },
    resolve: (_root, { input }, { domain, caller }) => quoteGeneration(domain, caller, toInput(input)),
  }),
);
