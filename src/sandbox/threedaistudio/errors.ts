import type { Refusal, Reply } from '../dialect.ts';

/** SIM: the codes of 400, 401, 402 and 429 are documented, the envelope is not: a sentence and a code. */
export function refuse(refusal: Refusal, waitS = 1): Reply {
  if (refusal !== 'rate-limited') return REFUSALS[refusal];
  // Django's words, which a client reads the wait from (providers.md §5.3).
  const words = `Request was throttled. Expected available in ${waitS} seconds.`;
  return { ...envelope(429, 'rate_limited', words), headers: { 'retry-after': String(waitS) } };
}

/** A request the provider would not take. */
export function refuseBody(message: string): Reply {
  return envelope(400, 'validation_failed', message);
}

const REFUSALS: Record<Exclude<Refusal, 'rate-limited'>, Reply> = {
  unauthorized: envelope(401, 'invalid_api_key', 'Invalid API key.'),
  'no-credits': envelope(402, 'insufficient_credits', 'Not enough credits. Top up your wallet.'),
  'no-such-path': envelope(404, 'not_found', 'Not found.'),
  'body-too-large': envelope(413, 'request_too_large', 'Request body too large.'),
  broken: envelope(500, 'internal_error', 'Internal server error.'),
};

function envelope(status: number, code: string, error: string) {
  return { status, body: { error, code } };
}
