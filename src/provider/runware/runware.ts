import { isLocal, toAccess } from '../access.ts';
import type { AdapterOptions, Provider } from '../provider.ts';
import { ask } from './ask.ts';
import { compose } from './compose.ts';
import { RUNWARE_MODELS } from './models.ts';
import { recover } from './recover.ts';
import { submit } from './submit.ts';
import { parseCallback } from './wire.ts';

// It acknowledges an asynchronous task at once; no source gives a number.
const SUBMIT_TIMEOUT_MS = 30_000;

// No source gives a most; the answer of as many stays below the size that is read.
const POLL_BATCH = 50;

/**
 * Runware: one address for everything, and tasks that we name, so that a lost answer can be found again (seed 001,
 * providers.md §3). Throws when the base URL is no http URL.
 */
export function createRunware(options: AdapterOptions): Provider {
  const { mode, pollSchedule, resultHosts } = options;
  const access = toAccess(options, SUBMIT_TIMEOUT_MS);

  return {
    slug: 'runware',
    name: 'Runware',
    mode,
    models: RUNWARE_MODELS,
    pollSchedule,
    pollBatch: POLL_BATCH,
    // One of N may be there while others are not even listed (providers.md §3.3).
    resultsLag: true,
    resultHosts,
    // "No hard rate limits", and 2 to 4 at a time are a suggestion (providers.md §3.8).
    limits: { concurrency: null, requestsPerMinute: null, batch: null },
    limitsOf: null,
    isSynchronous: false,
    compose,
    batch: null,
    together: () => null,
    account: null,
    recover: (submission, may, signal) => recover(access, submission, may, signal),
    // No signature is documented: the token of the address is the proof (providers.md §3.4).
    callback: { isLocal: isLocal(access), isGenuine: null, read: parseCallback },
    submit: (body, signal) => submit(access, body, signal),
    ask: (ids, signal) => ask(access, ids, signal),
  };
}
