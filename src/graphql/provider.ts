import { Fault } from '../fault.ts';
import { priceAt } from '../generation/price.ts';
import { ratiosOf, tiersOf } from '../generation/sizes.ts';
import { builder } from './builder.ts';
import {
  listModels,
  listOffers,
  listProviders,
  type ModelNode,
  type OfferNode,
  type ProviderNode,
  toModel,
} from './catalogue.ts';
import { ImageFormatEnum, ModeEnum, ProgressBasisEnum, ProviderFeatureEnum, ResolutionEnum } from './enums.ts';
import { Node } from './node.ts';
import { accountOf, healthOf, ProviderAccount, ProviderHealth } from './provider-health.ts';

const IntRange = builder.objectRef<{ min: number; max: number }>('IntRange').implement({
  description: 'From `min` to `max`, both included.',
  fields: (t) => ({
    min: t.exposeInt('min', { description: 'The least.' }),
    max: t.exposeInt('max', { description: 'The most.' }),
  }),
});

export const Provider = builder.objectRef<ProviderNode>('Provider');
export const Model = builder.objectRef<ModelNode>('Model');
const ProviderModel = builder.objectRef<OfferNode>('ProviderModel');

Provider.implement({
  description: 'A service that makes images for us.',
  interfaces: [Node],
  fields: (t) => ({
    slug: t.exposeString('slug', { description: 'Its name in requests, such as gptimage2.' }),
    name: t.exposeString('name', { description: 'Its name for people.' }),
    mode: t.expose('mode', { type: ModeEnum, description: 'LIVE: the real one. TEST: the sandbox in its place.' }),
    models: t.field({
      type: [ProviderModel],
      description: 'What it offers, with its limits.',
      resolve: (provider) => provider.models.map((model) => ({ ...model, provider })),
    }),
    health: t.field({
      type: ProviderHealth,
      description: 'How it is doing of late.',
      resolve: (provider, _args, context) => healthOf(provider, context),
    }),
    account: t.field({
      type: ProviderAccount,
      nullable: true,
      description: 'What is left at the provider; null where it does not tell. Needs the scope ADMIN.',
      resolve: (provider, _args, context) => {
        if (!context.caller.scopes.includes('ADMIN'))
          throw new Fault('FORBIDDEN', 'account needs a key with the scope ADMIN.');
        return accountOf(provider, context);
      },
    }),
  }),
});

Model.implement({
  description: 'A model that makes images, whoever serves it.',
  interfaces: [Node],
  fields: (t) => ({
    slug: t.exposeString('slug', { description: 'Its name in requests, such as seedream-5.0-lite.' }),
    name: t.exposeString('name', { description: 'Its name for people.' }),
    providers: t.field({
      type: [ProviderModel],
      description: 'Who serves it, with the limits of each.',
      resolve: ({ slug }, _args, context) => listOffers(context, slug),
    }),
  }),
});

ProviderModel.implement({
  description: "What one provider accepts for one model: its limits, not the model's.",
  fields: (t) => ({
    provider: t.expose('provider', { type: Provider, description: 'Who offers it.' }),
    model: t.field({ type: Model, description: 'What is offered.', resolve: ({ model }) => toModel(model) }),
    providerModelId: t.exposeString('providerModelId', { description: "The provider's own name of the model." }),
    promptLimit: t.exposeInt('promptLimit', { description: 'The longest prompt, in `promptLimitUnit`.' }),
    promptLimitUnit: t.exposeString('promptLimitUnit', {
      description: 'What is counted: CHARACTERS (Unicode code points).',
    }),
    maxImages: t.exposeInt('maxImages', {
      description: 'Images one call may ask for; more are split over several tasks.',
    }),
    maxReferences: t.exposeInt('maxReferences', { description: 'Reference images one call may carry.' }),
    maxReferencesPlusImages: t.exposeInt('maxReferencesPlusImages', {
      nullable: true,
      description: 'The most that references and images of one call may add up to; null where no such rule is known.',
    }),
    aspectRatios: t.stringList({
      description: 'Width to height, such as 16:9, or auto.',
      resolve: ({ sizes }) => ratiosOf(sizes),
    }),
    resolutions: t.field({
      type: [ResolutionEnum],
      description: 'Size tiers that may go with a ratio.',
      resolve: ({ sizes }) => tiersOf(sizes),
    }),
    pixelArea: t.field({
      type: IntRange,
      nullable: true,
      description: 'Width times height of an exact size, in pixels; null where exact pixels are not offered.',
      resolve: ({ pixelArea }) => pixelArea,
    }),
    outputFormats: t.field({
      type: [ImageFormatEnum],
      description: 'File formats that may be asked for; empty where the provider chooses.',
      resolve: ({ outputFormats }) => [...outputFormats],
    }),
    features: t.field({
      type: [ProviderFeatureEnum],
      description: 'What else it can do.',
      resolve: ({ features }) => [...features],
    }),
    progress: t.expose('progress', { type: ProgressBasisEnum, description: 'What its progress rests on.' }),
    resultTtlSeconds: t.exposeInt('resultTtlSeconds', {
      description: "How long the provider's own URLs live, in seconds. Ours live as long as the asset.",
    }),
    pricePerImage: t.field({
      type: 'Money',
      nullable: true,
      description: 'Null where no price is documented; not zero.',
      resolve: (model) => priceAt(model, new Date()),
    }),
  }),
});

builder.queryField('models', (t) =>
  t.field({
    type: [Model],
    description: 'Every model that can be asked for.',
    resolve: (_root, _args, context) => listModels(context),
  }),
);

builder.queryField('providers', (t) =>
  t.field({
    type: [Provider],
    description: 'Every provider configured for the mode of the key that asks.',
    resolve: (_root, _args, context) => listProviders(context),
  }),
);
