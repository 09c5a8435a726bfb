import type { PollSchedule } from '../../generation/provider.ts';
import { toAccess } from '../access.ts';
import type { AdapterOptions, Provider } from '../provider.ts';
import { ask } from './ask.ts';
import { compose } from './compose.ts';
import { THREEDAISTUDIO_MODELS } from './models.ts';
import { submit } from './submit.ts';

// It answers a submission with a task at once; no source gives a number, and sources of many megabytes take their time.
const SUBMIT_TIMEOUT_MS = 60_000;

/** The documented default. Whether polls count is UNKNOWN: they share it (providers.md §5.3). */
const REQUESTS_PER_MINUTE = 3;

export interface ThreeDAiStudioOptions extends AdapterOptions {
  /** What was agreed with the provider; null or absent: its default. */
  requestsPerMinute?: number | null;
}

/**
 * 3D AI Studio: submit, poll slowly, fetch within 24 hours (seed 003, providers.md §5). Throws when the base URL is no
 * http URL.
 */
export function createThreeDAiStudio(options: ThreeDAiStudioOptions): Provider {
  const { mode, resultHosts } = options;
  const access = toAccess(options, SUBMIT_TIMEOUT_MS);
  const requestsPerMinute = options.requestsPerMinute ?? REQUESTS_PER_MINUTE;

  return {
    slug: 'threedaistudio',
    name: '3D AI Studio',
    mode,
    models: THREEDAISTUDIO_MODELS,
    pollSchedule: slowedTo(60_000 / requestsPerMinute, options.pollSchedule),
    pollBatch: 1,
    // FINISHED may come with a part of the results (providers.md §5.2).
    resultsLag: true,
    resultHosts,
    // Each needs a turn to be sent and one at least to be asked about: more at one time could be bought, and not heard of.
    limits: { concurrency: Math.ceil((requestsPerMinute * 2) / 3), requestsPerMinute, batch: null },
    limitsOf: null,
    isSynchronous: false,
    compose,
    batch: null,
    together: () => null,
    // Two sources name two paths for the wallet, and each look would be one of three requests a minute.
    account: null,
    // No list, no idempotency, no callback (providers.md §5.3).
    recover: null,
    callback: null,
    submit: (body, signal) => submit(access, body, signal),
    ask: (ids, signal) => Promise.all(ids.map((id) => ask(access, id, signal))),
  };
}

/** One task alone, asked about more often, would use up the whole limit. */
function slowedTo(leastMs: number, { firstMs, fastMs, fastForMs, slowMs }: PollSchedule): PollSchedule {
  return {
    firstMs: Math.max(firstMs, leastMs),
    fastMs: Math.max(fastMs, leastMs),
    fastForMs,
    slowMs: Math.max(slowMs, leastMs),
  };
}
