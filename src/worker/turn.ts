import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../logger.ts';

/** Leave to send one request to a provider; where its limits are shared with others, it has to be waited for. */
export interface Turn {
  /** Whether there is one, which is then used up. If not, one is asked for, and `onCome` called once it is there. */
  take(): boolean;
  /** Resolves with one, also when all stops. */
  next(): Promise<void>;
}

export interface TurnOptions {
  /** Whether there is no limit at this moment, so that nothing needs to be asked. */
  isFree: () => boolean;
  /** Takes a turn: 0 when it was given, otherwise how many milliseconds to wait before asking again. */
  ask: () => Promise<number>;
  log: Logger;
  signal: AbortSignal;
  onCome: () => void;
}

export const ALWAYS: Turn = { take: () => true, next: async () => {} };

/** One that is not used by then is let go: who holds it may have lost its tasks. */
const GOOD_FOR_MS = 1_000;
const AFTER_A_FAILURE_MS = 1_000;

export function createTurn({ isFree, ask, log, signal, onCome }: TurnOptions): Turn {
  let isWaiting = false;
  let goodUntil = 0;

  async function next(): Promise<void> {
    while (!signal.aborted && !isFree()) {
      const waitMs = await ask().catch((error: unknown) => {
        log.warn({ err: error }, 'no turn for a poll could be taken; trying again');
        return AFTER_A_FAILURE_MS;
      });
      if (waitMs <= 0) return;
      await sleep(waitMs, undefined, { signal }).catch(() => {});
    }
  }

  async function wait(): Promise<void> {
    isWaiting = true;
    await next();
    isWaiting = false;
    goodUntil = performance.now() + GOOD_FOR_MS;
    onCome();
  }

  return {
    next,
    take() {
      if (isFree()) return true;
      const isThere = performance.now() < goodUntil;
      goodUntil = 0;
      if (!isThere && !isWaiting) void wait();
      return isThere;
    },
  };
}
