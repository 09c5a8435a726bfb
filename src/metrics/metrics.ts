import { Registry } from 'prom-client';
import { type Backlog, createBacklogMetrics } from './backlog.ts';
import { createClientMetrics } from './clients.ts';
import { createProcessMetrics } from './process.ts';
import { createWorkMetrics } from './work.ts';

export type { Backlog };

/** What is counted and measured in one process. Nothing here knows who reads it. */
export type Metrics = ReturnType<typeof createMetrics>;

/**
 * A registry of its own for each app: some twenty families, labels of a few fixed words only. No id, prompt, address or
 * operation name is ever a label: each new value would be kept for as long as the process lives.
 */
export function createMetrics(about: { version: string; role: string }) {
  const registry = new Registry();
  const own = createProcessMetrics(registry, about);
  return {
    registry,
    setReady: own.setReady,
    clients: createClientMetrics(registry),
    work: createWorkMetrics(registry),
    backlog: createBacklogMetrics(registry),
    /** Stops measuring; what was measured can still be read. */
    async stop(): Promise<void> {
      own.stop();
    },
  };
}
