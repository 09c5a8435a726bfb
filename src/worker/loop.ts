import type { Logger } from '../logger.ts';

export interface Loop {
  start(): void;
  /** Ends the present nap, or makes the tick that runs be followed by another at once. */
  wake(): void;
  /** No further tick; resolves when the present one is over. */
  stop(): Promise<void>;
}

export interface LoopOptions {
  name: string;
  /** One round of work. Answers how long the loop may nap at most, in milliseconds; 0 when there is more to do. */
  tick: () => Promise<number>;
  log: Logger;
  /** Who counts the rounds that failed. */
  observer?: { failed(at: string): void } | undefined;
}

const AFTER_A_FAILURE_MS = 1_000;

/** Runs a tick, naps until woken or until its time is up, and so on. A tick that throws is logged and tried again. */
export function createLoop({ name, tick, log, observer }: LoopOptions): Loop {
  let woken = false;
  let stopped = false;
  let endNap = () => {};
  let running: Promise<void> | undefined;

  async function run(): Promise<void> {
    while (!stopped) {
      woken = false;
      const napMs = await tick().catch((error: unknown) => {
        log.warn({ err: error, loop: name }, 'a round of work failed; trying again');
        observer?.failed(name);
        return AFTER_A_FAILURE_MS;
      });
      if (napMs > 0 && !woken && !stopped) await nap(napMs);
    }
  }

  function nap(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      endNap = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  return {
    start() {
      running ??= run();
    },
    wake() {
      woken = true;
      endNap();
    },
    async stop() {
      stopped = true;
      endNap();
      await running;
    },
  };
}
