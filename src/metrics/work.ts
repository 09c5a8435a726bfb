import { Counter, Histogram, type Registry } from 'prom-client';

/** One HTTP request to a provider, and what came of it, in words that are few and fixed. */
export interface ProviderRequestSeen {
  provider: string;
  mode: string;
  operation: 'submit' | 'ask' | 'recover';
  outcome:
    | 'OK'
    | 'KEY_REFUSED'
    | 'NO_CREDITS'
    | 'RATE_LIMITED'
    | 'REFUSED'
    | 'SERVER_ERROR'
    | 'UNREADABLE'
    | 'NO_ANSWER';
  ms: number;
}

/** From a poll that is answered at once to a synchronous submission. */
const SECONDS = [0.1, 0.5, 2, 10, 30, 120];

/** What this process did for generations. Each thing is counted by the process that wrote it, after its commit. */
export function createWorkMetrics(registry: Registry) {
  const registers = [registry];
  const generations = new Counter({
    name: 'darkroom_generations_finished_total',
    help: 'Generations that reached a final status.',
    labelNames: ['status', 'mode'],
    registers,
  });
  const images = new Counter({
    name: 'darkroom_images_total',
    help: 'Images that were brought home (stored), or given up although the provider had made them (lost).',
    labelNames: ['outcome', 'mode'],
    registers,
  });
  const requests = new Histogram({
    name: 'darkroom_provider_request_duration_seconds',
    help: 'HTTP requests to providers: submit sends a task, ask polls, recover finds out what a lost answer was. outcome: OK, KEY_REFUSED, NO_CREDITS, RATE_LIMITED, REFUSED, SERVER_ERROR, UNREADABLE or NO_ANSWER.',
    labelNames: ['provider', 'mode', 'operation', 'outcome'],
    buckets: SECONDS,
    registers,
  });
  const failures = new Counter({
    name: 'darkroom_work_failures_total',
    help: 'Rounds of a loop that failed, by loop; store: images that could not be kept. All are tried again.',
    labelNames: ['at'],
    registers,
  });

  // A counter that begins at 1 has not increased, as Prometheus sees it: what alarms must begin at 0.
  for (const mode of ['TEST', 'LIVE']) {
    for (const status of ['SUCCEEDED', 'PARTIALLY_SUCCEEDED', 'FAILED', 'CANCELED'])
      generations.inc({ status, mode }, 0);
    for (const outcome of ['stored', 'lost']) images.inc({ outcome, mode }, 0);
  }
  for (const at of [
    'submit',
    'poll',
    'collect',
    'recover',
    'settle',
    'reconcile',
    'sequence',
    'forget',
    'account',
    'store',
  ])
    failures.inc({ at }, 0);

  return {
    generationFinished(status: string, mode: string): void {
      generations.inc({ status, mode });
    },
    imageSettled(outcome: 'stored' | 'lost', mode: string): void {
      images.inc({ outcome, mode });
    },
    failed(at: string): void {
      failures.inc({ at });
    },
    /** Its faults that need the operator are shown from 0 on, before there is one. */
    expectProvider({ slug: provider, mode }: { slug: string; mode: string }): void {
      for (const operation of ['submit', 'ask', 'recover']) {
        for (const outcome of ['KEY_REFUSED', 'NO_CREDITS']) requests.zero({ provider, mode, operation, outcome });
      }
    },
    sawProviderRequest({ provider, mode, operation, outcome, ms }: ProviderRequestSeen): void {
      requests.observe({ provider, mode, operation, outcome }, ms / 1000);
    },
  };
}
