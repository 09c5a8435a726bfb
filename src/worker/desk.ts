import type { PollReport } from '../generation/provider-report.ts';
import type { Logger } from '../logger.ts';
import type { Answer, Provider } from '../provider/provider.ts';
import { createGroups } from './groups.ts';
import type { Held } from './held.ts';
import { createRota } from './rota.ts';
import type { Turn } from './turn.ts';

/** To one provider; another that hangs takes none of these. */
const MOST_REQUESTS_AT_ONCE = 32;
/** Where one request asks about many, they fall due on common ticks: so many to the shortest usual wait. */
const TICKS_A_WAIT = 25;

export interface DeskOptions {
  provider: Provider;
  log: Logger;
  now: () => number;
  signal: AbortSignal;
  /** Before each request. */
  turn: Turn;
  /** Called for each task that is being asked about, with how long after it was due. */
  onAsk: (lateMs: number) => void;
  /** Called once for each request that was answered. */
  onAnswer: (report: PollReport) => void;
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

export function createDesk({ provider, log, now, signal, turn, onAsk, onAnswer, hear, onChange }: DeskOptions): Desk {
  // By a clock that never steps: a due time is a delay from when it was set.
  const rota = createRota<Held>(performance.now());
  /** Of those on the rota, who is asked about in the same request. */
  const groups = createGroups<Held>(({ providerTaskId }) => provider.together(providerTaskId));
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

  function place(held: Held): void {
    remove(held);
    if (held.dueAt === Number.POSITIVE_INFINITY) return;
    const waitMs = held.dueAt - now();
    const dueAt = performance.now() + waitMs;
    rota.place(held, provider.pollBatch > 1 && waitMs > 0 ? onTick(dueAt) : dueAt);
    groups.add(held);
  }

  function onTick(dueAt: number): number {
    const tickMs = provider.pollSchedule.fastMs / TICKS_A_WAIT;
    return Math.ceil(dueAt / tickMs) * tickMs;
  }

  function remove(held: Held): void {
    rota.remove(held);
    groups.delete(held);
  }

  /** As many as one request may ask about that are due, and with each all for which the same question is asked. */
  function takeDue(): Held[] {
    const taken: Held[] = [];
    for (let i = 0; i < provider.pollBatch; i += 1) {
      const [first] = rota.take(performance.now(), 1);
      if (!first) break;
      const group = [first, ...groups.othersOf(first).filter((each) => each.mayJoin())];
      for (const each of group) remove(each);
      taken.push(...group);
    }
    return taken;
  }

  function start(group: Held[]): void {
    for (const each of group) {
      onAsk(Math.max(0, now() - each.dueAt));
      each.asked();
    }
    track(ask(group), requests);
  }

  async function ask(group: Held[]): Promise<void> {
    const answers = await answersTo(group);
    if (signal.aborted && !answers) return;
    // One request may answer for many tasks.
    const told = new Map(answers?.map(({ exchange, report }) => [exchange, report]));
    if (!signal.aborted) for (const report of told.values()) onAnswer(report);
    // One of them is what it cannot bear: the others have nothing to do with it.
    if (!answers && group.length > 1) await askEach(group);
    else for (const [i, each] of group.entries()) track(hear(each, answers?.[i]), hearings);
  }

  async function askEach(group: Held[]): Promise<void> {
    for (const each of group) {
      await turn.next();
      await ask([each]);
    }
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
    place,
    remove,
    askDue(most) {
      while (requests.size < MOST_REQUESTS_AT_ONCE) {
        const nap = rota.napMs(performance.now(), most);
        if (nap > 0) return nap;
        // Once it has come there is something new to do.
        if (!turn.take()) return most;
        start(takeDue());
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
