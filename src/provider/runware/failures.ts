import type { Billed, FailureCode, Trouble } from '../../generation/failure-code.ts';
import type { Outcome } from '../call.ts';
import { OPERATOR_PAUSE_MS } from '../failure-classes.ts';
import type { Hindrance } from '../hindrance.ts';
import { getRetryAfterMs } from '../retry-after.ts';
import { toTrouble } from '../trouble.ts';
import { toSaid, type WireError } from './wire.ts';

export type Kind =
  | 'DUPLICATE'
  | 'KEY'
  | 'REQUEST'
  | 'CANCELED'
  | 'UNKNOWN_TASK'
  | 'SAFETY'
  | 'BEHIND'
  | 'CREDITS'
  | 'RATE'
  | 'OTHER';

/** Hundreds of codes that change, so they are told by their pattern (providers.md §3.5); the first that fits decides. */
const PATTERNS: readonly (readonly [Kind, RegExp])[] = [
  ['DUPLICATE', /^(conflict|duplicate)TaskUUID$/i],
  ['KEY', /apiKey|unauthori[sz]ed|forbidden|authentication/i],
  ['REQUEST', /^(missing|invalid|unsupported|conflict|duplicate|value|array|unknownParameter|max)/i],
  ['CANCELED', /cancell?ed/i],
  ['UNKNOWN_TASK', /notFound|unknownTask/i],
  ['SAFETY', /contentPolicy|nsfw|promptBlocked|imageBlocked|moderation|safety/i],
  // The words of whoever works for Runware: it had been handed on.
  ['BEHIND', /^provider|timeout|inferenceError|taskFailed|noAvailableServer|unavailable|connection|serverError/i],
  ['CREDITS', /credits|quota|payment|balance/i],
  ['RATE', /rateLimit|tooManyRequests|queueFull/i],
];

export function kindOf({ code }: Pick<WireError, 'code'>): Kind {
  return PATTERNS.find(([, pattern]) => pattern.test(code ?? ''))?.[0] ?? 'OTHER';
}

const HINDRANCES: Partial<Record<Kind, { code: FailureCode; pauseMs: number | null; message: string }>> = {
  KEY: {
    code: 'PROVIDER_REJECTED',
    pauseMs: OPERATOR_PAUSE_MS,
    message: 'Runware does not accept the API key of this service for this.',
  },
  CREDITS: {
    code: 'PROVIDER_CREDITS_EXHAUSTED',
    pauseMs: OPERATOR_PAUSE_MS,
    message: 'The credits of this service at Runware are used up.',
  },
  RATE: { code: 'RATE_LIMITED', pauseMs: null, message: 'Runware takes no more requests just now.' },
};

/** What an error says that turns away whoever asks, whatever the HTTP status; null for an error about a task. */
export function toHindrance(error: WireError, outcome: Outcome, billed: Billed): Hindrance | null {
  const known = HINDRANCES[kindOf(error)];
  if (!known) return null;
  const said = toSaid(error);
  const asked = outcome.kind === 'ANSWERED' ? getRetryAfterMs(outcome.headers, said.hint) : null;
  const failure = toTrouble(known.code, billed, true, known.message, said);
  return { failure, retryAfterMs: asked ?? known.pauseMs };
}

/** Why an image, or all of them, was not made. No source says whether that is billed. */
export function toFailure(error: WireError): Trouble {
  const say = (code: FailureCode, retryable: boolean, message: string) =>
    toTrouble(code, 'UNKNOWN', retryable, message, toSaid(error));
  switch (kindOf(error)) {
    case 'SAFETY':
      return say('MODERATED_OUTPUT', false, 'Runware blocked this for its content.');
    case 'CANCELED':
      return say('CANCELED', true, 'Runware canceled this.');
    case 'REQUEST':
      return say('PROVIDER_REJECTED', false, 'Runware could not work with this request.');
    default:
      return say('PROVIDER_ERROR', true, 'Runware failed to make this.');
  }
}
