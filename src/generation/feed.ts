import type { FeedPage, LoggedEvent } from '../events/feed-page.ts';
import { FeedStream, type Gap } from '../events/feed-stream.ts';
import { readFeed, readFeedEnds } from '../events/read.ts';
import type { Caller } from '../workspace/caller.ts';
import { positionCursor } from './cursor.ts';
import type { Domain } from './domain.ts';
import { checkFilter, checkPosition, expired, type WantedEvents } from './list-events.ts';
import { toEvent } from './rows.ts';
import type { GenerationEvent } from './types.ts';

/** Hints get lost with a connection or a process: this often every followed feed is looked at anyway. */
const SLOW_POLL_MS = 5_000;
const A_PAGE = 100;

const GAPS: Record<Gap, string> = {
  DELETED: 'this client was slower than the retention',
  SET_BACK: 'the database came back without events that were sent already',
};

/** One message of a subscription; `event` throws CURSOR_EXPIRED in the last one, to a reader for whom the feed has a gap. */
export interface FeedUpdate {
  cursor: string;
  event(): GenerationEvent;
}

export interface Feed {
  /** Every event behind `after`, or from now on, in order, without an end. Throws CURSOR_EXPIRED. */
  follow(caller: Caller, after: number | null, wanted: WantedEvents): Promise<AsyncIterableIterator<FeedUpdate>>;
  /** How many are following. */
  readonly size: number;
  start(): void;
  stop(): Promise<void>;
}

interface Group {
  streams: Set<FeedStream<FeedUpdate>>;
  /** By mode and position, pages up to the end of the feed as it was at the last hint, and reads under way. */
  reads: Map<string, Promise<FeedPage | null>>;
}

/** One per process: however many clients have caught up, a hint costs one read per workspace and mode. */
export function createFeed({ db, hints, log }: Domain): Feed {
  const groups = new Map<string, Group>();
  const running = new Set<Promise<FeedPage | null>>();
  let unhint: (() => void) | undefined;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  function wake(workspaceIds: Iterable<string>): void {
    for (const id of workspaceIds) {
      groups.get(id)?.reads.clear();
      for (const stream of groups.get(id)?.streams ?? []) stream.wake();
    }
  }

  function read({ reads }: Group, { workspaceId, mode }: Caller, after: number): Promise<FeedPage | null> {
    const key = `${mode} ${after}`;
    const known = reads.get(key);
    if (known) return known;
    const reading = readFeed(db, { workspaceId, mode }, { after, limit: A_PAGE })
      .catch((error: unknown) => {
        log.warn({ err: error }, 'a feed could not be read; trying again at the next hint');
        return null;
      })
      .then((page) => {
        running.delete(reading);
        // A page that others went past is kept for nobody.
        if ((!page || page.more) && reads.get(key) === reading) reads.delete(key);
        return page;
      });
    running.add(reading);
    reads.set(key, reading);
    return reading;
  }

  function open(caller: Caller, position: number, matches: (event: LoggedEvent) => boolean): FeedStream<FeedUpdate> {
    const group = groups.get(caller.workspaceId) ?? { streams: new Set(), reads: new Map() };
    groups.set(caller.workspaceId, group);
    const stream: FeedStream<FeedUpdate> = new FeedStream({
      position,
      matches,
      read: (after) => read(group, caller, after),
      send: (at, what) => ({
        cursor: positionCursor(caller, at),
        event: () => {
          if (typeof what === 'string') throw expired(GAPS[what]);
          return toEvent(what);
        },
      }),
      onEnd: () => {
        group.streams.delete(stream);
        if (group.streams.size === 0) groups.delete(caller.workspaceId);
      },
    });
    group.streams.add(stream);
    if (stopped) stream.end();
    return stream;
  }

  return {
    async follow(caller, after, wanted) {
      const { types, generationIds } = checkFilter(wanted);
      const ends = await readFeedEnds(db);
      if (after !== null) checkPosition(after, ends);
      const [anyOf, about] = [types && new Set(types), generationIds && new Set(generationIds)];
      return open(
        caller,
        after ?? ends.last,
        ({ type, generationId }) => (anyOf?.has(type) ?? true) && (about?.has(generationId) ?? true),
      );
    },
    get size() {
      return [...groups.values()].reduce((sum, { streams }) => sum + streams.size, 0);
    },
    start() {
      unhint = hints.on(({ feeds }) => wake(feeds ?? groups.keys()));
      timer = setInterval(() => wake(groups.keys()), SLOW_POLL_MS);
    },
    async stop() {
      stopped = true;
      unhint?.();
      clearInterval(timer);
      for (const stream of [...groups.values()].flatMap(({ streams }) => [...streams])) stream.end();
      await Promise.all(running);
    },
  };
}
