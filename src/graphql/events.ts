import { readPositionCursor } from '../generation/cursor.ts';
import { listEvents, readSpan, type WantedEvents } from '../generation/list-events.ts';
import { builder } from './builder.ts';
import type { Context } from './context.ts';
import { EventTypeEnum } from './enums.ts';
import { EventConnection } from './event.ts';

const A_PAGE = 100;

const EventFilter = builder.inputType('EventFilter', {
  description: 'Which events; every condition given must hold. An empty list matches nothing.',
  fields: (t) => ({
    types: t.field({ type: [EventTypeEnum], description: 'Of any of these types.' }),
    generationIds: t.idList({
      description: 'About any of these generations, at most 100; one that is not yours matches nothing.',
    }),
  }),
});

builder.queryField('events', (t) =>
  t.field({
    type: EventConnection,
    description:
      'The log behind every subscription, oldest first: the fallback for clients that can only poll. It holds what happened within the retention (EVENT_RETENTION_HOURS); an `after` older than that is the error CURSOR_EXPIRED. A filter by types looks at 10,000 events a request: while `hasNextPage` is true, go on from `cursor`, even if the page is empty.',
    args: {
      first: t.arg.int({ defaultValue: A_PAGE, description: 'How many, 1 to 100.' }),
      after: t.arg({
        type: 'Cursor',
        description: 'Begin behind this place: the cursor of an event or of a page of them. None: the oldest kept.',
      }),
      filter: t.arg({ type: EventFilter, description: 'Which ones.' }),
    },
    resolve: (_root, { first, after, filter }, { domain, caller }) =>
      listEvents(domain, caller, readSpan(caller, { first: first ?? A_PAGE, after: after ?? null }), wanted(filter)),
  }),
);

builder.subscriptionField('events', (t) =>
  t.field({
    type: 'Event',
    description:
      'A durable feed of the whole workspace in the mode of the key that asks, in order, resumable, never coalesced. Without `after`, from now on. Older than the retention (EVENT_RETENTION_HOURS), at the start or because the client reads too slowly: the error CURSOR_EXPIRED; read `generations`, then subscribe without `after`.',
    args: {
      after: t.arg({
        type: 'Cursor',
        description:
          'The cursor of the last event received, or of a page of events. The header Last-Event-ID wins over it.',
      }),
      filter: t.arg({ type: EventFilter, description: 'Which ones.' }),
    },
    subscribe: (_root, { after, filter }, context) =>
      context.feed.follow(context.caller, heldPosition(context, after), wanted(filter)),
    resolve: (update) => update.event(),
  }),
);

/** An EventSource keeps its URL, with the `after` it began with, and tells what it received since in a header. */
function heldPosition({ caller, lastEventId }: Context, after: string | null | undefined): number | null {
  if (lastEventId !== null) return readPositionCursor(caller, lastEventId, 'Last-Event-ID');
  return after == null ? null : readPositionCursor(caller, after, 'after');
}

function wanted(filter: Partial<{ [K in keyof WantedEvents]: WantedEvents[K] | undefined }> | null | undefined) {
  return { types: filter?.types ?? null, generationIds: filter?.generationIds ?? null };
}
