/** Nobody's turn came in time. */
export class Busy extends Error {
  constructor() {
    super('Too much of this is being done just now.');
  }
}

/** Runs `work` when its turn has come. Those who wait have one turn each before anybody has a second. */
export type TakeTurn = <T>(work: () => Promise<T>, who?: string) => Promise<T>;

/** Lets `atOnce` run at once. Whoever waits longer than `patienceMs` gives up with Busy; without it, waits. */
export function createTurns(atOnce: number, patienceMs?: number): TakeTurn {
  /** In the order in which they are served next. */
  const waiting = new Map<string, (() => void)[]>();
  let running = 0;

  function wait(who: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const queue = waiting.get(who) ?? [];
      const timer = patienceMs === undefined ? undefined : setTimeout(giveUp, patienceMs);
      waiting.set(who, queue);
      queue.push(begin);

      function begin(): void {
        clearTimeout(timer);
        resolve();
      }
      function giveUp(): void {
        queue.splice(queue.indexOf(begin), 1);
        if (queue.length === 0) waiting.delete(who);
        reject(new Busy());
      }
    });
  }

  function takeNext(): (() => void) | undefined {
    const [next] = waiting;
    if (!next) return undefined;
    const [who, queue] = next;
    const begin = queue.shift();
    waiting.delete(who);
    if (queue.length > 0) waiting.set(who, queue);
    return begin;
  }

  return async (work, who = '') => {
    if (running >= atOnce) await wait(who);
    else running += 1;
    try {
      return await work();
    } finally {
      const begin = takeNext();
      if (begin) begin();
      else running -= 1;
    }
  };
}
