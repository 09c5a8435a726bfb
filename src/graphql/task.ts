import { Fault } from '../fault.ts';
import type { KeptExchange } from '../generation/exchanges.ts';
import { builder } from './builder.ts';
import { getProvider } from './catalogue.ts';
import { TaskStatusEnum } from './enums.ts';
import { Node } from './node.ts';
import { Progress } from './outcome.ts';
import { Provider } from './provider.ts';

const Exchange = builder.objectRef<KeptExchange>('Exchange').implement({
  description: 'One HTTP request to a provider and its answer, without keys, long bodies clipped.',
  fields: (t) => ({
    at: t.expose('at', { type: 'DateTime', description: 'When it was sent.' }),
    method: t.exposeString('method', { description: 'GET or POST.' }),
    url: t.expose('url', { type: 'URI', description: 'Where to.' }),
    status: t.exposeInt('status', { nullable: true, description: 'HTTP status; null when no answer came.' }),
    durationMs: t.exposeInt('durationMs', { description: 'Until the last byte of the answer, in milliseconds.' }),
    requestBody: t.expose('requestBody', { type: 'JSON', nullable: true, description: 'What was sent.' }),
    responseBody: t.expose('responseBody', { type: 'JSON', nullable: true, description: 'What came back.' }),
    error: t.exposeString('error', { nullable: true, description: 'What was wrong or odd about it.' }),
  }),
});

builder.objectType('Task', {
  description: 'One job at one provider. A retry or a fallback is a new task; a task is never reused.',
  interfaces: [Node],
  fields: (t) => ({
    generation: t.field({
      type: 'Generation',
      description: 'What it works for.',
      resolve: async ({ generationId }, _args, { loaders }) => {
        const generation = await loaders.generation.load(generationId);
        if (!generation) throw new Error(`The generation ${generationId} of a task is gone.`);
        return generation;
      },
    }),
    attempt: t.exposeInt('attempt', { description: 'From 1: which attempt at its share of the images.' }),
    provider: t.field({
      type: Provider,
      description: 'Who does it.',
      resolve: ({ provider }, _args, context) => getProvider(context, provider),
    }),
    providerTaskId: t.exposeString('providerTaskId', {
      nullable: true,
      description: "The provider's own id of it; null until the provider answered.",
    }),
    status: t.expose('status', { type: TaskStatusEnum, description: 'Where it stands.' }),
    routeReason: t.exposeString('routeReason', { description: 'Why it went to this provider.' }),
    imageCount: t.exposeInt('imageCount', { description: 'How many images it was asked for.' }),
    progress: t.field({ type: Progress, description: 'How far it is.', resolve: (task) => task }),
    cost: t.expose('cost', { type: 'Cost', description: 'What it costs.' }),
    failure: t.expose('failure', {
      type: 'Failure',
      nullable: true,
      description: 'Why it failed; while it is QUEUED or UNCERTAIN, what stands in its way.',
    }),
    pollCount: t.exposeInt('pollCount', {
      description: 'How often the provider had been asked about it when it last had news.',
    }),
    nextPollAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When it is next due, as last stored; null once it is over. Polls without news are not stored.',
      resolve: ({ finishedAt, nextAt }) => (finishedAt ? null : nextAt),
    }),
    submittedAt: t.expose('submittedAt', { type: 'DateTime', nullable: true, description: 'When it was last sent.' }),
    acceptedAt: t.expose('acceptedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the provider accepted it.',
    }),
    finishedAt: t.expose('finishedAt', { type: 'DateTime', nullable: true, description: 'When it was over.' }),
    exchanges: t.field({
      type: [Exchange],
      description:
        'Redacted HTTP requests and answers, newest first, at most 20: those that brought news or were odd. Needs the scope DEBUG.',
      resolve: ({ id }, _args, { caller, loaders }) => {
        if (!caller.scopes.includes('DEBUG'))
          throw new Fault('FORBIDDEN', 'exchanges needs a key with the scope DEBUG.');
        return loaders.exchanges.load(id);
      },
    }),
  }),
});
