import type { Billed, Trouble } from '../generation/provider.ts';
import type { Outcome } from './call.ts';
import { getRetryAfterMs } from './retry-after.ts';
import { type Said, toTrouble } from './trouble.ts';

// A key, credits or a base URL is mended by an operator, in minutes.
const OPERATOR_PAUSE_MS = 30_000;

/** What keeps a provider from doing anything for us just now, and when to come back. */
export interface Hindrance {
  failure: Trouble;
  retryAfterMs: number | null;
}

/**
 * Finds what proves that the provider did not take up what it was asked, though it may later (providers.md §9): no
 * connection, 401, 402, 403, 429, or a redirect. Of those, 301, 307 and 308 say that the request is still to be made
 * elsewhere, so the base URL is wrong; 302 and 303 may follow work that was done, and prove nothing.
 */
export function findHindrance(provider: string, outcome: Outcome, said: Said, billed: Billed): Hindrance | null {
  if (outcome.kind === 'BROKEN') return null;
  if (outcome.kind === 'NOT_SENT') {
    const message = `${provider} could not be reached.`;
    return { failure: toTrouble('PROVIDER_UNREACHABLE', billed, true, message), retryAfterMs: null };
  }

  const { status, headers } = outcome;
  const retryAfterMs = getRetryAfterMs(headers, said.hint);
  const pause = retryAfterMs ?? OPERATOR_PAUSE_MS;
  switch (status) {
    case 301:
    case 307:
    case 308: {
      const message = `${provider} has moved (HTTP ${status}): its base URL here is wrong.`;
      return { failure: toTrouble('PROVIDER_UNREACHABLE', billed, true, message, said), retryAfterMs: pause };
    }
    case 401:
    case 403: {
      const message = `${provider} does not accept the API key of this service for this (HTTP ${status}).`;
      return { failure: toTrouble('PROVIDER_REJECTED', billed, true, message, said), retryAfterMs: pause };
    }
    case 402: {
      const message = `The credits of this service at ${provider} are used up.`;
      return { failure: toTrouble('PROVIDER_CREDITS_EXHAUSTED', billed, true, message, said), retryAfterMs: pause };
    }
    case 429: {
      const message = `${provider} takes no more requests just now.`;
      return { failure: toTrouble('RATE_LIMITED', billed, true, message, said), retryAfterMs };
    }
    default:
      return null;
  }
}
