import { cancelabilityOf } from '../generation/cancel.ts';
import { costOf } from '../generation/cost.ts';
import { slotsOf } from '../generation/derive.ts';
import { readSpan } from '../generation/list-events.ts';
import { builder } from './builder.ts';
import { toModel } from './catalogue.ts';
import {
  CancelabilityEnum,
  GenerationStatusEnum,
  ImageFormatEnum,
  ModeEnum,
  ResolutionEnum,
  SafetyEnum,
  ThinkingEnum,
} from './enums.ts';
import { EventConnection } from './event.ts';
import { Node } from './node.ts';
import { Progress } from './outcome.ts';
import { Model } from './provider.ts';

const EVENTS_A_PAGE = 50;

builder.objectType('Generation', {
  description:
    'What the caller asked for: one prompt, one or more images. It owns its tasks (attempts at a provider) and its assets.',
  interfaces: [Node],
  fields: (t) => ({
    version: t.exposeInt('version', {
      description: 'Rises by one with every visible change; a client drops what is older than what it holds.',
    }),
    status: t.expose('status', { type: GenerationStatusEnum, description: 'Where it stands.' }),
    mode: t.expose('mode', { type: ModeEnum, description: 'Of the key that created it.' }),
    prompt: t.exposeString('prompt', { description: 'As asked.' }),
    model: t.field({ type: Model, description: 'As asked.', resolve: ({ model }) => toModel(model) }),
    request: t.expose('request', { type: 'GenerationRequest', description: 'As asked, normalised.' }),
    adjustments: t.expose('adjustments', {
      type: ['Adjustment'],
      description: 'What was changed to fit the provider; always empty under STRICT.',
    }),
    progress: t.field({ type: Progress, description: 'How far it is.', resolve: (generation) => generation }),
    slots: t.field({
      type: ['Slot'],
      description: 'One per image asked for: pending, an asset, or a typed failure. Images beyond those follow.',
      resolve: slotsOf,
    }),
    assets: t.expose('assets', { type: ['Asset'], description: 'Those that exist so far, in slot order.' }),
    tasks: t.expose('tasks', { type: ['Task'], description: 'Every attempt, oldest first.' }),
    cost: t.field({ type: 'Cost', description: 'Of all its tasks.', resolve: ({ tasks }) => costOf(tasks) }),
    failure: t.expose('failure', { type: 'Failure', nullable: true, description: 'Set when FAILED or CANCELED.' }),
    cancelability: t.field({
      type: CancelabilityEnum,
      description: 'What canceling would mean now.',
      resolve: cancelabilityOf,
    }),
    retryOf: t.field({
      type: 'Generation',
      nullable: true,
      description: 'The generation whose missing pictures this one asked for again (`retryGeneration`).',
      resolve: ({ retryOf }, _args, { loaders }) => (retryOf === null ? null : loaders.generation.load(retryOf)),
    }),
    metadata: t.expose('metadata', {
      type: 'JSON',
      nullable: true,
      description: "The caller's own, echoed everywhere, at most 16 KiB.",
    }),
    events: t.field({
      type: EventConnection,
      description: 'What happened to it, oldest first, as far as it is within the retention (EVENT_RETENTION_HOURS).',
      args: {
        first: t.arg.int({ defaultValue: EVENTS_A_PAGE, description: 'How many, 1 to 100.' }),
        after: t.arg({ type: 'Cursor', description: 'Begin behind this place: the cursor of an event.' }),
      },
      resolve: ({ id }, { first, after }, { caller, loaders }) =>
        loaders.eventsOf.load({
          generationId: id,
          ...readSpan(caller, { first: first ?? EVENTS_A_PAGE, after: after ?? null }),
        }),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was stored.' }),
    startedAt: t.expose('startedAt', { type: 'DateTime', nullable: true, description: 'When it left QUEUED.' }),
    finishedAt: t.expose('finishedAt', { type: 'DateTime', nullable: true, description: 'When it became final.' }),
    deadlineAt: t.expose('deadlineAt', {
      type: 'DateTime',
      description: 'When it ends at the latest, unless finished images are still being brought home.',
    }),
  }),
});

builder.objectType('Slot', {
  description: 'One image asked for. Both null: it is still to come.',
  fields: (t) => ({
    index: t.exposeInt('index', { description: 'From 0.' }),
    asset: t.expose('asset', { type: 'Asset', nullable: true, description: 'The image.' }),
    failure: t.expose('failure', { type: 'Failure', nullable: true, description: 'Why there is none.' }),
  }),
});

builder.objectType('Adjustment', {
  description: 'One thing that was changed to fit the provider.',
  fields: (t) => ({
    path: t.exposeStringList('path', { description: 'Which part of the input.' }),
    asked: t.exposeString('asked', { nullable: true, description: 'What was asked.' }),
    sent: t.exposeString('sent', { nullable: true, description: 'What was sent; null when it was dropped.' }),
    reason: t.exposeString('reason', { description: 'Why it could not be sent as asked.' }),
  }),
});

const Reference = builder.objectRef<{ uri: string }>('Reference').implement({
  description: 'An image to start from.',
  fields: (t) => ({
    uri: t.expose('uri', { type: 'URI', nullable: true, description: 'Where the provider fetches it.' }),
  }),
});

builder.objectType('GenerationRequest', {
  description: "What was asked for, normalised. Null: nothing was asked, the provider's own default applies.",
  fields: (t) => ({
    images: t.exposeInt('images', { description: 'How many.' }),
    width: t.exposeInt('width', { nullable: true, description: 'In pixels, of an exact size.' }),
    height: t.exposeInt('height', { nullable: true, description: 'In pixels, of an exact size.' }),
    aspectRatio: t.exposeString('aspectRatio', { nullable: true, description: 'Width to height, such as 16:9.' }),
    resolution: t.expose('resolution', { type: ResolutionEnum, nullable: true, description: 'The size tier.' }),
    seed: t.exposeInt('seed', { nullable: true, description: 'The seed, as asked.' }),
    references: t.expose('references', { type: [Reference], description: 'Images to start from.' }),
    style: t.exposeString('style', { nullable: true, description: 'The style, as asked.' }),
    colors: t.exposeStringList('colors', { nullable: true, description: 'The palette, as #RRGGBB.' }),
    thinking: t.expose('thinking', { type: ThinkingEnum, description: 'How long to reason.' }),
    outputFormat: t.expose('outputFormat', { type: ImageFormatEnum, nullable: true, description: 'The file format.' }),
    outputQuality: t.exposeInt('outputQuality', { nullable: true, description: 'The encoding quality, 1 to 100.' }),
    watermark: t.exposeBoolean('watermark', { nullable: true, description: 'Whether to add a watermark.' }),
    safety: t.expose('safety', { type: SafetyEnum, description: 'Whether the content is checked.' }),
    series: t.exposeBoolean('series', { description: 'One consistent series.' }),
  }),
});
