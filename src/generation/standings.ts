import { providerStates } from '../db/schema.ts';
import type { Domain } from './domain.ts';
import { type History, readHistory } from './history.ts';
import type { Mode } from './provider.ts';
import { type Standing, UNKNOWN_STANDING } from './standing.ts';

export interface Standings {
  /** As it was last read: at most about a second ago, or before the database went away. */
  of(provider: string, mode: Mode): Standing;
  /** Reads the states: what was changed before the call is seen once it resolves. A read that fails changes nothing. */
  refresh(): Promise<void>;
  /** Resolves after the first read, or once that has failed. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

const STATES_EVERY_MS = 1_000;
/** Seconds and rates of hundreds of tasks do not change from one moment to the next. */
const HISTORY_EVERY_MS = 15_000;

type State = Omit<Standing, keyof History>;

/** How every provider is doing, as all processes see it, kept in memory: one small statement a second tells it. */
export function createStandings({ db, catalogue, log }: Pick<Domain, 'db' | 'catalogue' | 'log'>): Standings {
  const keys = catalogue.map(({ slug, mode }) => ({ provider: slug, mode }));
  let states = new Map<string, State>();
  let histories = new Map<string, History>();
  let historyAt = Number.NEGATIVE_INFINITY;
  let reading = Promise.resolve();
  let waiting = 0;
  let isFailing = false;
  let timer: NodeJS.Timeout | undefined;

  async function readStates(): Promise<void> {
    const rows = await db.select().from(providerStates);
    states = new Map(rows.map((row) => [nameOf(row.provider, row.mode), toState(row)]));
  }

  async function readAll(): Promise<void> {
    await readStates();
    if (performance.now() - historyAt < HISTORY_EVERY_MS) return;
    const found = await readHistory(db, keys);
    histories = new Map(found.map((history) => [nameOf(history.provider, history.mode), history]));
    historyAt = performance.now();
  }

  /** One read after the other: an older one never overwrites what a newer one found. */
  function then(read: () => Promise<void>): Promise<void> {
    waiting += 1;
    reading = reading.then(read).then(
      () => done(null),
      (error: unknown) => done(error),
    );
    return reading;
  }

  function done(error: unknown): void {
    waiting -= 1;
    if (error && !isFailing) log.warn({ err: error }, 'how the providers are doing could not be read; trying again');
    isFailing = error !== null;
  }

  return {
    of(provider, mode) {
      const name = nameOf(provider, mode);
      return { ...UNKNOWN_STANDING, ...states.get(name), ...figuresOf(histories.get(name)) };
    },
    refresh: () => then(readStates),
    async start() {
      if (timer) return;
      timer = setInterval(() => {
        if (waiting === 0) void then(readAll);
      }, STATES_EVERY_MS);
      await then(readAll);
    },
    async stop() {
      clearInterval(timer);
      await reading;
    },
  };
}

function nameOf(provider: string, mode: string): string {
  return `${provider} ${mode}`;
}

function toState(row: typeof providerStates.$inferSelect): State {
  const { openUntil, openCode, openReason, creditsRemaining, tier, accountAt } = row;
  return { openUntil, openCode: openCode as Standing['openCode'], openReason, creditsRemaining, tier, accountAt };
}

function figuresOf(history: History | undefined) {
  if (!history) return {};
  const { successRate, p50Seconds, p95Seconds } = history;
  return { successRate, p50Seconds, p95Seconds };
}
