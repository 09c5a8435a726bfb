import { positionCursor } from '../generation/cursor.ts';
import type { EventPage } from '../generation/list-events.ts';
import type { GenerationEvent } from '../generation/types.ts';
import { builder } from './builder.ts';
import { EventTypeEnum, GenerationStatusEnum, TaskStatusEnum } from './enums.ts';
import { Node } from './node.ts';
import { PageInfo } from './page-info.ts';

const cursorOf = (event: GenerationEvent) => positionCursor(event, event.position);

builder.objectType('Event', {
  description:
    'A fact that does not change: what was true when it happened. `generation`, `task` and `asset` are their present state.',
  interfaces: [Node],
  fields: (t) => ({
    cursor: t.field({
      type: 'Cursor',
      description: 'Its position in the feed: follow or list `events` after it.',
      resolve: cursorOf,
    }),
    type: t.expose('type', { type: EventTypeEnum, description: 'What happened.' }),
    at: t.expose('at', { type: 'DateTime', description: "When it happened, by the database's clock." }),
    version: t.exposeInt('version', { description: 'Of the generation right after it: 1, 2, 3, without a gap.' }),
    generation: t.field({
      type: 'Generation',
      description: 'What it happened to, in its present state.',
      resolve: async ({ generationId }, _args, { loaders }) => {
        const generation = await loaders.generation.load(generationId);
        if (!generation) throw new Error(`The generation ${generationId} of an event is gone.`);
        return generation;
      },
    }),
    status: t.expose('status', { type: GenerationStatusEnum, description: 'Of the generation, then.' }),
    percent: t.exposeFloat('percent', {
      nullable: true,
      description: 'Progress of the generation then, 0 to 100; null when nothing was known.',
    }),
    task: t.field({
      type: 'Task',
      nullable: true,
      description: 'The task it was about, in its present state.',
      resolve: ({ taskId }, _args, { loaders }) => (taskId === null ? null : loaders.task.load(taskId)),
    }),
    taskStatus: t.expose('taskStatus', {
      type: TaskStatusEnum,
      nullable: true,
      description: 'Of the task then; set for TASK_CHANGED.',
    }),
    asset: t.field({
      type: 'Asset',
      nullable: true,
      description: 'The image it was about, in its present state.',
      resolve: ({ assetId }, _args, { loaders }) => (assetId === null ? null : loaders.asset.load(assetId)),
    }),
    failure: t.expose('failure', { type: 'Failure', nullable: true, description: 'What went wrong, if anything did.' }),
    cost: t.expose('cost', { type: 'Cost', nullable: true, description: 'Of the generation, as known then.' }),
  }),
});

const EventEdge = builder.objectRef<GenerationEvent>('EventEdge').implement({
  description: 'One event in a list.',
  fields: (t) => ({
    cursor: t.field({ type: 'Cursor', description: 'Its position in the feed.', resolve: cursorOf }),
    node: t.field({ type: 'Event', description: 'The event.', resolve: (event) => event }),
  }),
});

export const EventConnection = builder.objectRef<EventPage>('EventConnection').implement({
  description: 'A page of events, oldest first.',
  fields: (t) => ({
    edges: t.field({ type: [EventEdge], description: 'Those on this page.', resolve: ({ events }) => events }),
    cursor: t.field({
      type: 'Cursor',
      description:
        'Where to go on from, also when the page is empty: everything up to here has been looked at. Without anything more to read it is the present end of the feed.',
      resolve: (page) => positionCursor(page, page.upTo),
    }),
    pageInfo: t.field({
      type: PageInfo,
      description:
        'Where this page lies. `endCursor` is `cursor`, so that a page that a filter left empty does not end the paging.',
      resolve: (page) => ({
        hasNextPage: page.hasNextPage,
        hasPreviousPage: page.hasPreviousPage,
        startCursor: page.events[0] ? cursorOf(page.events[0]) : null,
        endCursor: positionCursor(page, page.upTo),
      }),
    }),
  }),
});
