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

  async function wait(): Promise<void> {
    isWaiting = true;
    await waitForTurn({ isFree, ask, log, signal });
    isWaiting = false;
    goodUntil = performance.now() + GOOD_FOR_MS;
    onCome();
  }

  return {
    async next() {
      await waitForTurn({ isFree, ask, log, signal });
    },
    take() {
      if (isFree()) return true;
      const isThere = performance.now() < goodUntil;
      goodUntil = 0;
      if (!isThere && !isWaiting) void wait();
      return isThere;
    },
  };
}

export interface TurnWait extends Pick<TurnOptions, 'ask' | 'log' | 'signal'> {
  isFree?: TurnOptions['isFree'];
  /** A turn that comes later is not waited for. */
  patienceMs?: number;
}

/** Takes a turn for one request, once there is one; false when all stops before, or it would come too late. */
export async function waitForTurn({
  isFree = () => false,
  ask,
  log,
  signal,
  patienceMs = Number.POSITIVE_INFINITY,
}: TurnWait): Promise<boolean> {
  const until = performance.now() + patienceMs;
  while (!signal.aborted) {
    if (isFree()) return true;
    const waitMs = await ask().catch((error: unknown) => {
      log.warn({ err: error }, 'no turn for a request could be taken; trying again');
      return AFTER_A_FAILURE_MS;
    });
    if (waitMs <= 0) return true;
    if (performance.now() + waitMs > until) return false;
    await sleep(waitMs, undefined, { signal }).catch(() => {});
  }
  return false;
}
