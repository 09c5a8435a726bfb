import type { Domain } from '../generation/domain.ts';
import type { Standings } from '../generation/standings.ts';
import { createAccountant } from './account.ts';
import { createBreaker } from './breaker.ts';
import type { CallbackUrl } from './callback-url.ts';
import { createCollector } from './collect.ts';
import { createIdentity } from './identity.ts';
import { createLimits } from './limits.ts';
import type { Keeper } from './look-at-image.ts';
import { createPoller } from './poll.ts';
import type { Providers } from './providers.ts';
import { createReconciler } from './reconcile.ts';
import { createRecoverer } from './recover.ts';
import { createForgetter, createSequencer } from './sequence.ts';
import { createSettler } from './settle.ts';
import { createSubmitter } from './submit.ts';

export interface Worker {
  /** Submissions in hand: sent and not answered yet, or just about to be. A shutdown waits for these. */
  countSubmissionsInFlight(): number;
  start(): Promise<void>;
  /** Claims nothing more, waits for what was sent to be answered and stored, and gives back every lease. */
  stop(): Promise<void>;
}

/** One process's share of the work: the loops that submit, poll, collect, recover and settle under one lease, and the log's. */
export function createWorker(
  domain: Domain,
  providers: Providers,
  keeper: Keeper,
  callbackUrl: CallbackUrl,
  standings: Standings,
): Worker {
  const identity = createIdentity(domain, () => poll.forget(poll.list()));
  const breaker = createBreaker(domain, standings);
  const limits = createLimits(domain);
  const { fetch } = keeper;
  const submit = createSubmitter(domain, { providers, identity, callbackUrl, fetch, breaker, limits });
  const poll = createPoller(domain, providers, identity, { limits, breaker });
  const collect = createCollector(domain, providers, keeper, identity, limits);
  const recover = createRecoverer(domain, providers, identity, limits);
  const settle = createSettler(domain, providers, keeper, identity, limits);
  const reconcile = createReconciler(domain, identity, poll, [submit, poll, collect, recover, settle]);
  const sequence = createSequencer(domain);
  const forget = createForgetter(domain);
  const account = createAccountant(domain, providers, limits, standings);
  const hinted = { submit, poll, collect, sequence };
  const all = [submit, poll, collect, recover, settle, reconcile, sequence, forget, account];
  let unhint: (() => void) | undefined;

  return {
    countSubmissionsInFlight: () => submit.countInHand() + recover.countInHand(),
    async start() {
      await identity.start();
      await breaker.start();
      unhint = domain.hints.on(({ work, nudged = [] }) => {
        for (const name of work) hinted[name].wake();
        if (nudged.length > 0) poll.nudge(nudged);
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
