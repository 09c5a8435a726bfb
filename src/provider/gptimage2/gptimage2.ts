import { isLoopback } from '../../config/config.ts';
import type { Mode, PollSchedule } from '../../generation/provider.ts';
import type { Connections } from '../connections.ts';
import type { Provider } from '../provider.ts';
import { toRoot } from '../root.ts';
import { ask } from './ask.ts';
import { compose } from './compose.ts';
import { GPTIMAGE2_MODELS } from './models.ts';
import { submit } from './submit.ts';
import { parseCallback } from './wire.ts';

// It answers a submission with a task at once; no source gives a number.
const SUBMIT_TIMEOUT_MS = 30_000;

export interface GptImage2Options {
  mode: Mode;
  /** Scheme, host and any path prefix before `/v1`. The host of seed 000, `api.gptimage2`, exists in no public DNS. */
  baseUrl: string;
  apiKey: string;
  /** Null: 30 seconds. */
  submitTimeoutMs: number | null;
  pollSchedule: PollSchedule;
  resultHosts: readonly string[];
  /** What polls go over; whoever made them stops them. */
  connections: Connections;
}

/** GPTImage2: submit, poll, fetch within 24 hours (seed 000, providers.md §1). Throws when the base URL is no http URL. */
export function createGptImage2(options: GptImage2Options): Provider {
  const { mode, apiKey, pollSchedule, resultHosts, connections } = options;
  const access = { root: toRoot(options.baseUrl), apiKey, connections };
  const submitTimeoutMs = options.submitTimeoutMs ?? SUBMIT_TIMEOUT_MS;

  return {
    slug: 'gptimage2',
    name: 'GPTImage2',
    mode,
    models: GPTIMAGE2_MODELS,
    pollSchedule,
    pollBatch: 1,
    resultHosts,
    compose,
    // Nothing is echoed and nothing can be listed (providers.md §1.6).
    recover: null,
    callback: { isLocal: isLoopback(new URL(access.root).hostname), read: parseCallback },
    submit: (body, signal) => submit(access, body, submitTimeoutMs, signal),
    ask: (ids, signal) => Promise.all(ids.map((id) => ask(access, id, signal))),
  };
}
