import type { Mode, PollSchedule } from '../generation/provider.ts';
import { ask } from './gptimage2/ask.ts';
import { compose } from './gptimage2/compose.ts';
import { GPTIMAGE2_MODELS } from './gptimage2/models.ts';
import { submit } from './gptimage2/submit.ts';
import { inParallel } from './inParallel.ts';
import type { Provider } from './provider.ts';
import { toRoot } from './root.ts';

// It answers a submission with a task at once; no source gives a number.
const SUBMIT_TIMEOUT_MS = 30_000;
const CONCURRENCY = 8;

export interface GptImage2Options {
  mode: Mode;
  /** Scheme, host and any path prefix before `/v1`. The host of seed 000, `api.gptimage2`, exists in no public DNS. */
  baseUrl: string;
  apiKey: string;
  /** Null: 30 seconds. */
  submitTimeoutMs: number | null;
  poll: PollSchedule;
  resultHosts: readonly string[];
  /** How many polls may be under way at once; 8 when left out. */
  concurrency?: number;
}

/** GPTImage2: submit, poll, fetch within 24 hours (seed 000, providers.md §1). Throws when the base URL is no http URL. */
export function createGptImage2(options: GptImage2Options): Provider {
  const access = { root: toRoot(options.baseUrl), apiKey: options.apiKey };
  const submitTimeoutMs = options.submitTimeoutMs ?? SUBMIT_TIMEOUT_MS;

  return {
    slug: 'gptimage2',
    name: 'GPTImage2',
    mode: options.mode,
    models: GPTIMAGE2_MODELS,
    submitTimeoutMs,
    poll: options.poll,
    pollBatch: 1,
    resultHosts: options.resultHosts,
    compose,
    submit: (body, signal) => submit(access, body, submitTimeoutMs, signal),
    ask: (ids, signal) => inParallel(ids, options.concurrency ?? CONCURRENCY, (id) => ask(access, id, signal)),
  };
}
