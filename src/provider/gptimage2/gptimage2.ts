import { isLocal, toAccess } from '../access.ts';
import type { AdapterOptions, Provider } from '../provider.ts';
import { ask } from './ask.ts';
import { compose } from './compose.ts';
import { GPTIMAGE2_MODELS } from './models.ts';
import { submit } from './submit.ts';
import { parseCallback } from './wire.ts';

// It answers a submission with a task at once; no source gives a number.
const SUBMIT_TIMEOUT_MS = 30_000;

/**
 * GPTImage2: submit, poll, fetch within 24 hours (seed 000, providers.md §1). The host of seed 000, `api.gptimage2`, exists
 * in no public DNS. Throws when the base URL is no http URL.
 */
export function createGptImage2(options: AdapterOptions): Provider {
  const { mode, pollSchedule, resultHosts } = options;
  const access = toAccess(options, SUBMIT_TIMEOUT_MS);

  return {
    slug: 'gptimage2',
    name: 'GPTImage2',
    mode,
    models: GPTIMAGE2_MODELS,
    pollSchedule,
    pollBatch: 1,
    resultsLag: false,
    resultHosts,
    // No source gives a number (providers.md §1.5).
    limits: { concurrency: null, requestsPerMinute: null, batch: null },
    limitsOf: null,
    isSynchronous: false,
    compose,
    batch: null,
    together: () => null,
    account: null,
    // Nothing is echoed and nothing can be listed (providers.md §1.6).
    recover: null,
    callback: { isLocal: isLocal(access), isGenuine: null, read: parseCallback },
    submit: (body, signal) => submit(access, body, signal),
    ask: (ids, signal) => Promise.all(ids.map((id) => ask(access, id, signal))),
  };
}
