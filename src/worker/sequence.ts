import { setTimeout as sleep } from 'node:timers/promises';
import { forgetEvents } from '../events/forget.ts';
import { stampEvents } from '../events/stamp.ts';
import type { Domain } from '../generation/domain.ts';
import { createLoop, type Loop } from './loop.ts';

const MOST_A_STAMP = 1_000;
/** The first event is stamped at once; what comes within this time of it shares the next statement. */
const BETWEEN_STAMPS_MS = 20;
/** Hints get lost with a connection or a process. */
const SLOW_POLL_MS = 2_000;

const MOST_A_FORGETTING = 1_000;
const FORGET_EVERY_MS = 60_000;

/** Gives what was committed its place in the feed, and tells those who follow it. Any process may; one at a time does. */
export function createSequencer({ db, hints, log, observer, reach }: Domain): Loop {
  return createLoop({
    name: 'sequence',
    log,
    observer,
    async tick() {
      const { busy, events, workspaceIds } = await stampEvents(db, MOST_A_STAMP);
      if (events > 0) reach?.('sequence:stamped');
      if (events > 0) hints.give({ generationIds: [], work: [], feeds: workspaceIds });
      if (events >= MOST_A_STAMP) return 0;
      await sleep(BETWEEN_STAMPS_MS);
      // The one that is at it may have begun before what woke us was committed.
      return busy ? BETWEEN_STAMPS_MS : SLOW_POLL_MS;
    },
  });
}

/** Deletes the events that are older than the retention. */
export function createForgetter({ db, timing, log, observer }: Domain): Loop {
  return createLoop({
    name: 'forget',
    log,
    observer,
    async tick() {
      const forgotten = await forgetEvents(db, timing.eventRetentionMs, MOST_A_FORGETTING);
      return forgotten >= MOST_A_FORGETTING ? 0 : FORGET_EVERY_MS;
    },
  });
}
