import type { PollReport } from '../generation/provider.ts';
import type { Logger } from '../logger.ts';
import type { Answer, Provider } from '../provider/provider.ts';
import type { Held } from './held.ts';
import { createRota } from './rota.ts';

/** To one provider; another that hangs takes none of these. */
const MOST_REQUESTS_AT_ONCE = 32;

export interface DeskOptions {
  provider: Provider;
  log: Logger;
  now: () => number;
  signal: AbortSignal;
  /** Called for each task that was asked about; undefined when its provider could not be asked. Never rejects. */
  hear: (held: Held, answer: Answer<PollReport> | undefined) => Promise<void>;
  /** Called when there is room for another request, or another task may be due. */
  onChange: () => void;
}

/** The questions to one provider. */
export interface Desk {
  /** Asks about it when it is due. */
  place(held: Held): void;
  remove(held: Held): void;
  /** Asks about what is due. Milliseconds until there is more to ask, `most` where nothing is known to be before. */
  askDue(most: number): number;
  /** Resolves when no request is under way and every answer was dealt with. */
  drained(): Promise<void>;
}

export function createDesk({ provider, log, now, signal, hear, onChange }: DeskOptions): Desk {
  // By a clock that never steps: a due time is a delay from when it was set.
  const rota = createRota<Held>(performance.now());
  const requests = new Set<Promise<void>>();
  // What an answer brings is written while the next one is waited for: many answers then share a transaction.
  const hearings = new Set<Promise<void>>();

  function track(work: Promise<void>, works: Set<Promise<void>>): void {
    works.add(work);
    void work.finally(() => {
      works.delete(work);
      onChange();
    });
  }

  function start(group: Held[]): void {
    for (const each of group) each.asked();
    track(ask(group), requests);
  }

  async function ask(group: Held[]): Promise<void> {
    const answers = await answersTo(group);
    if (signal.aborted && !answers) return;
    // One of them is what it cannot bear: the others have nothing to do with it.
    if (!answers && group.length > 1) for (const each of group) await ask([each]);
    else for (const [i, each] of group.entries()) track(hear(each, answers?.[i]), hearings);
  }

  async function answersTo(group: Held[]): Promise<Answer<PollReport>[] | null> {
    try {
      const ids = group.map(({ providerTaskId }) => providerTaskId);
      return await provider.ask(ids, signal);
    } catch (error) {
      if (!signal.aborted) log.error({ err: error, provider: provider.slug }, 'a provider could not be asked');
      return null;
    }
  }

  return {
    place: (held) => rota.place(held, performance.now() + held.dueAt - now()),
    remove: rota.remove,
    askDue(most) {
      while (requests.size < MOST_REQUESTS_AT_ONCE) {
        const group = rota.take(performance.now(), provider.pollBatch);
        if (group.length === 0) return rota.napMs(performance.now(), most);
        start(group);
      }
      // Each request that ends makes room.
      return most;
    },
    async drained() {
      await Promise.all(requests);
      await Promise.all(hearings);
    },
  };
}
