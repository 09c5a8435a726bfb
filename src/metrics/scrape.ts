import { setTimeout as sleep } from 'node:timers/promises';
import type { Backlog, Metrics } from './metrics.ts';

/** Several who scrape, or one who does so often, cost the database no more than this. */
const FRESH_FOR_MS = 5_000;
/** A database that is away must not keep the rest from being read. */
const PATIENCE_MS = 1_000;

export interface Sources {
  isReady(): Promise<boolean>;
  readBacklog(): Promise<Backlog>;
}

/** What /metrics answers: the text that Prometheus reads, and its content type. */
export type Scrape = () => Promise<{ text: string; contentType: string }>;

export function createScrape({ registry, setReady, backlog }: Metrics, sources: Sources): Scrape {
  const readiness = keepFresh(sources.isReady, (isReady) => setReady(isReady ?? false));
  const tasks = keepFresh(sources.readBacklog, backlog.show);
  return async () => {
    await Promise.all([readiness(), tasks()]);
    return { text: await registry.metrics(), contentType: registry.contentType };
  };
}

/** Reads at most every 5 s and one at a time, and waits at most 1 s; what fails or takes longer is shown as not known. */
function keepFresh<T>(read: () => Promise<T>, show: (value: T | null) => void): () => Promise<void> {
  let reading: Promise<void> | null = null;
  let readAt = Number.NEGATIVE_INFINITY;

  async function refresh(): Promise<void> {
    const value = await read().catch(() => null);
    show(value);
    reading = null;
    readAt = value === null ? Number.NEGATIVE_INFINITY : performance.now();
  }

  return async () => {
    if (!reading && performance.now() - readAt < FRESH_FOR_MS) return;
    reading ??= refresh();
    const late = new AbortController();
    const isLate = sleep(PATIENCE_MS, true, { signal: late.signal }).catch(() => false);
    if (await Promise.race([reading.then(() => false), isLate])) show(null);
    late.abort();
  };
}
