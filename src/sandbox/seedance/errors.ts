import type { Refusal, Reply } from '../dialect.ts';

/** SIM: `invalid_request` and `not_found` stand where no code is documented. */
const STATUSES = {
  invalid_api_key: 401,
  insufficient_credits: 402,
  invalid_model: 400,
  invalid_prompt: 400,
  invalid_aspect_ratio: 400,
  invalid_request: 400,
  rate_limited: 429,
  content_policy: 400,
  generation_failed: 500,
  batch_too_large: 400,
  not_found: 404,
};

export type Code = keyof typeof STATUSES;

export function isCode(word: string): word is Code {
  return Object.hasOwn(STATUSES, word);
}

/** What the envelope holds, and a failed task when it is asked for in this form. */
export function toError(code: Code, message: string) {
  return { code, message, status: STATUSES[code] };
}

export function refuseWith(code: Code, message: string): Extract<Reply, { body: unknown }> {
  return { status: STATUSES[code], body: { error: toError(code, message) } };
}

export function refuse(refusal: Refusal): Reply {
  return REFUSALS[refusal];
}

const REFUSALS: Record<Refusal, Reply> = {
  unauthorized: refuseWith('invalid_api_key', 'API key invalid or expired'),
  'no-credits': refuseWith(
    'insufficient_credits',
    'Not enough credits to complete this generation. Required: 7, Available: 3',
  ),
  'no-such-path': refuseWith('not_found', 'Not found'),
  'body-too-large': { ...refuseWith('invalid_request', 'Request body too large'), status: 413 },
  'rate-limited': { ...refuseWith('rate_limited', 'Too many requests'), headers: { 'retry-after': '1' } },
  broken: refuseWith('generation_failed', 'Internal generation error'),
};
