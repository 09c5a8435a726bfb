import { askAbout, bodyOf, isLocal, toAccess } from '../access.ts';
import type { AdapterOptions, Provider } from '../provider.ts';
import { ask } from './ask.ts';
import { compose, composeBatch } from './compose.ts';
import { LEAST_LIMITS, limitsOf, SEEDANCE_MODELS } from './models.ts';
import { isGenuine } from './signature.ts';
import { submit } from './submit.ts';
import { idOf, parseBatched } from './task-id.ts';
import { parseAccount, parseCallback } from './wire.ts';

// It answers a submission with a task at once; no source gives a number.
const SUBMIT_TIMEOUT_MS = 30_000;

export interface SeedanceOptions extends AdapterOptions {
  /** Verifies callbacks; null: they are not asked for. */
  webhookSecret: string | null;
}

/**
 * Seedance, a gateway of a third party: submit one order or a batch, poll, fetch within 24 hours (seed 004,
 * providers.md §6). Throws when the base URL is no http URL.
 */
export function createSeedance(options: SeedanceOptions): Provider {
  const { mode, pollSchedule, resultHosts, webhookSecret } = options;
  const access = toAccess(options, SUBMIT_TIMEOUT_MS);

  return {
    slug: 'seedance',
    name: 'Seedance',
    mode,
    models: SEEDANCE_MODELS,
    pollSchedule,
    pollBatch: 1,
    resultsLag: false,
    resultHosts,
    limits: LEAST_LIMITS,
    limitsOf,
    isSynchronous: false,
    compose,
    batch: { compose: composeBatch, idOf },
    together: (id) => parseBatched(id)?.batchId ?? null,
    async account(signal) {
      const { outcome } = await askAbout(access, '/v1/account/credits', signal);
      const success = bodyOf(outcome);
      return success && parseAccount(success.body);
    },
    // What metadata echoes can only be asked for by an id (providers.md §9).
    recover: null,
    callback: webhookSecret
      ? {
          isLocal: isLocal(access),
          isGenuine: (raw, headers) => isGenuine(webhookSecret, raw, headers),
          read: parseCallback,
        }
      : null,
    submit: (body, signal) => submit(access, body, signal),
    ask: (ids, signal) => ask(access, ids, signal),
  };
}
