/** Nobody's turn came in time. */
export class Busy extends Error {
  constructor() {
    super('Too many pictures are being made just now.');
  }
}

/** Runs `work` when its turn has come, in the order asked. */
export type TakeTurn = <T>(work: () => Promise<T>) => Promise<T>;

/** Lets `atOnce` run at once. Whoever waits longer than `patienceMs` gives up with Busy; without it, waits. */
export function createTurns(atOnce: number, patienceMs?: number): TakeTurn {
  const waiting: (() => void)[] = [];
  let running = 0;

  function wait(): Promise<void> {
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        waiting.splice(waiting.indexOf(begin), 1);
        reject(new Busy());
      };
      const timer = patienceMs === undefined ? undefined : setTimeout(giveUp, patienceMs);
      const begin = () => {
        clearTimeout(timer);
        resolve();
      };
      waiting.push(begin);
    });
  }

  return async (work) => {
    if (running >= atOnce) await wait();
    else running += 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
}
