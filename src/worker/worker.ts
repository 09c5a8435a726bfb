import type { Domain } from '../generation/domain.ts';
import { createCollector, type Keeper } from './collect.ts';
import { createIdentity } from './identity.ts';
import { createPoller } from './poll.ts';
import type { Providers } from './providers.ts';
import { createReconciler } from './reconcile.ts';
import { createForgetter, createSequencer } from './sequence.ts';
import { createSubmitter } from './submit.ts';

export interface Worker {
  /** Submissions in hand: sent and not answered yet, or just about to be. A shutdown waits for these. */
  countSubmissionsInFlight(): number;
  start(): Promise<void>;
  /** Claims nothing more, waits for what was sent to be answered and stored, and gives back every lease. */
  stop(): Promise<void>;
}

/** One process's share of the work: the loops that submit, poll, collect and reconcile under one lease, and the log's. */
export function createWorker(domain: Domain, providers: Providers, keeper: Keeper): Worker {
  const identity = createIdentity(domain, () => poll.forget(poll.list()));
  const submit = createSubmitter(domain, providers, identity);
  const poll = createPoller(domain, providers, identity);
  const collect = createCollector(domain, providers, keeper, identity);
  const reconcile = createReconciler(domain, identity, poll, [submit, poll, collect]);
  const sequence = createSequencer(domain);
  const forget = createForgetter(domain);
  const hinted = { submit, poll, collect, sequence };
  const all = [submit, poll, collect, reconcile, sequence, forget];
  let unhint: (() => void) | undefined;

  return {
    countSubmissionsInFlight: submit.countInHand,
    async start() {
      await identity.start();
      unhint = domain.hints.on(({ work }) => {
        for (const name of work) hinted[name].wake();
      });
      for (const loop of all) loop.start();
    },
    async stop() {
      unhint?.();
      await Promise.all(all.map((loop) => loop.stop()));
      await identity.stop();
    },
  };
}
