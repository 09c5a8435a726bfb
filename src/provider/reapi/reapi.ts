import { toAccess } from '../access.ts';
import type { AdapterOptions, Provider } from '../provider.ts';
import { ask } from './ask.ts';
import { compose } from './compose.ts';
import { REAPI_MODELS } from './models.ts';
import { submit } from './submit.ts';

// It answers a submission with a task at once; the samples of seed 002 wait 30 seconds.
const SUBMIT_TIMEOUT_MS = 30_000;

/**
 * reAPI: submit, poll, fetch within 72 hours (seed 002, providers.md §4). Throws when the base URL is no http URL.
 */
export function createReApi(options: AdapterOptions): Provider {
  const { mode, pollSchedule, resultHosts } = options;
  const access = toAccess(options, SUBMIT_TIMEOUT_MS);

  return {
    slug: 'reapi',
    name: 'reAPI',
    mode,
    models: REAPI_MODELS,
    pollSchedule,
    pollBatch: 1,
    resultsLag: false,
    resultHosts,
    // No source gives a number (providers.md §4.4).
    limits: { concurrency: null, requestsPerMinute: null, batch: null },
    limitsOf: null,
    isSynchronous: false,
    compose,
    batch: null,
    together: () => null,
    // There is a balance, whose shape no source shows.
    account: null,
    // Documented: nothing is deduplicated, and nothing can be listed (providers.md §4.4).
    recover: null,
    callback: null,
    submit: (body, signal) => submit(access, body, signal),
    ask: (ids, signal) => Promise.all(ids.map((id) => ask(access, id, signal))),
  };
}
