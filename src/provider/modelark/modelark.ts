import type { Exchange, PollReport } from '../../generation/provider-report.ts';
import { toAccess } from '../access.ts';
import type { AdapterOptions, Answer, Provider } from '../provider.ts';
import { toTrouble } from '../trouble.ts';
import { compose } from './compose.ts';
import { MODELARK_MODELS } from './models.ts';
import { mostImagesOf, submit } from './submit.ts';

// Some 27 s for an image of 2K (providers.md §2.1), one after the other.
const SUBMIT_TIMEOUT_MS = 300_000;
const TIMEOUT_PER_IMAGE_MS = 45_000;

/**
 * BytePlus ModelArk: the answer to a submission is the images, as server-sent events, to be fetched within 24 hours
 * (providers.md §2). Throws when the base URL is no http URL.
 */
export function createModelArk(options: AdapterOptions): Provider {
  const { mode, pollSchedule, resultHosts } = options;
  const access = toAccess(options, SUBMIT_TIMEOUT_MS);

  return {
    slug: 'modelark',
    name: 'BytePlus ModelArk',
    mode,
    models: MODELARK_MODELS,
    pollSchedule,
    pollBatch: 1,
    resultsLag: false,
    resultHosts,
    // Each submission keeps a connection for minutes; 500 images a minute are documented (providers.md §2.3).
    limits: { concurrency: 16, requestsPerMinute: 500, countsImages: true, batch: null },
    limitsOf: null,
    isSynchronous: true,
    compose,
    batch: null,
    together: () => null,
    account: null,
    // There is no id, no list and no echo (providers.md §9).
    recover: null,
    callback: null,
    submit(body, signal, onPartial = async () => {}) {
      const usual = Math.max(SUBMIT_TIMEOUT_MS, TIMEOUT_PER_IMAGE_MS * mostImagesOf(body));
      return submit({ ...access, submitTimeoutMs: options.submitTimeoutMs ?? usual }, body, signal, onPartial);
    },
    ask: async (ids) => ids.map(() => refuseToAsk(access.root)),
  };
}

/** Never called in earnest: no task of it has an id. */
function refuseToAsk(root: string): Answer<PollReport> {
  const message = 'ModelArk answers with the images themselves, so there is no task that it could be asked about.';
  const failure = toTrouble('PROVIDER_ERROR', 'UNKNOWN', false, message);
  const exchange: Exchange = {
    at: new Date(),
    method: 'GET',
    url: root,
    status: null,
    durationMs: 0,
    requestBody: null,
    responseBody: null,
    error: 'nothing was sent: there is nothing to ask',
  };
  return { report: { kind: 'SILENT', failure, retryAfterMs: null }, exchange };
}
