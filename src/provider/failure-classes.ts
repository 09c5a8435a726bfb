import type { FailureCode } from '../generation/failure-code.ts';
import type { Outcome } from './call.ts';

/** What was seen of a submission that brought no id, and what it proves. */
export interface FailureClass {
  /** Or the statuses of a whole answer, both ends included. */
  seen: 'NOT_SENT' | 'BROKEN' | readonly (readonly [from: number, to: number])[];
  /** Only of an answer that is no JSON, as every provider's own is. */
  isForeign?: true;
  /** NOT_SENT and REFUSED: provably not accepted, nothing is billed. AMBIGUOUS: the images may be in the making. */
  class: 'NOT_SENT' | 'REFUSED' | 'AMBIGUOUS';
  /** SEND_AGAIN: the same task, later. GIVE_UP: this provider will not have it. RECONCILE: it becomes UNCERTAIN. */
  next: 'SEND_AGAIN' | 'GIVE_UP' | 'RECONCILE';
  code: FailureCode;
  /** The least time until it is sent again where the provider names none, in milliseconds; null: the usual backoff. */
  pauseMs: number | null;
  /** The message of the failure. */
  say(provider: string, status: number | null): string;
  reason: string;
}

// A key, credits or a base URL is mended by an operator, in minutes.
export const OPERATOR_PAUSE_MS = 30_000;

const refusedForNow = { class: 'REFUSED', next: 'SEND_AGAIN', pauseMs: OPERATOR_PAUSE_MS } as const;

const ambiguous = {
  class: 'AMBIGUOUS',
  next: 'RECONCILE',
  code: 'OUTCOME_UNKNOWN',
  pauseMs: null,
  say: (provider: string, status: number | null) =>
    `The request was sent, but ${provider} answered HTTP ${status} without an id, so it may have been accepted.`,
} as const;

/** The first row that fits decides (providers.md §9); docs/reliability.md shows it. */
export const FAILURE_CLASSES: readonly FailureClass[] = [
  {
    seen: 'NOT_SENT',
    class: 'NOT_SENT',
    next: 'SEND_AGAIN',
    code: 'PROVIDER_UNREACHABLE',
    pauseMs: null,
    say: (provider) => `${provider} could not be reached.`,
    reason:
      'No name, no connection, no TLS, or no time left before the first byte was handed to a connection: nobody has it.',
  },
  {
    ...ambiguous,
    seen: 'BROKEN',
    say: (provider) => `The request was sent, but ${provider} gave no whole answer, so it may have been accepted.`,
    reason:
      'Reset, closed, out of time or cut off within its answer: the request had left, and may have been taken up before the line broke.',
  },
  {
    ...refusedForNow,
    seen: [
      [301, 301],
      [307, 308],
    ],
    code: 'PROVIDER_UNREACHABLE',
    say: (provider, status) => `${provider} has moved (HTTP ${status}): its base URL here is wrong.`,
    reason: 'The same request is still to be made, elsewhere: the base URL is wrong, and an operator mends it.',
  },
  {
    ...refusedForNow,
    seen: [[404, 405]],
    isForeign: true,
    code: 'PROVIDER_UNREACHABLE',
    say: (provider, status) => `Behind the base URL of ${provider} here somebody else answers (HTTP ${status}).`,
    reason: 'A page of a proxy or of another service: who makes images has not seen the request; an operator mends it.',
  },
  {
    ...refusedForNow,
    seen: [
      [401, 401],
      [403, 403],
    ],
    code: 'PROVIDER_REJECTED',
    say: (provider, status) => `${provider} does not accept the API key of this service for this (HTTP ${status}).`,
    reason: 'The key is looked at before any work, and an operator mends it.',
  },
  {
    ...refusedForNow,
    seen: [[402, 402]],
    code: 'PROVIDER_CREDITS_EXHAUSTED',
    say: (provider) => `The credits of this service at ${provider} are used up.`,
    reason: 'Nothing is begun that cannot be charged, and an operator tops the account up.',
  },
  {
    ...refusedForNow,
    seen: [[429, 429]],
    code: 'RATE_LIMITED',
    pauseMs: null,
    say: (provider) => `${provider} takes no more requests just now.`,
    reason: 'Turned away at the door, to come back after the pause that the provider asks for.',
  },
  {
    ...ambiguous,
    seen: [[406, 406]],
    reason: 'It is about the form of the answer, which some frameworks look at only once the work is done.',
  },
  {
    ...ambiguous,
    seen: [[408, 408]],
    reason: 'Somebody on the way grew tired of waiting, and does not say what had been read and passed on by then.',
  },
  {
    ...ambiguous,
    seen: [[409, 409]],
    reason: 'The conflict may be with this very order: it may be there already.',
  },
  {
    ...ambiguous,
    seen: [
      [460, 460],
      [499, 499],
    ],
    reason: 'Words of proxies (AWS, nginx) for a line that broke: whoever stands behind them may have the request.',
  },
  {
    seen: [[400, 499]],
    class: 'REFUSED',
    next: 'GIVE_UP',
    code: 'PROVIDER_REJECTED',
    pauseMs: null,
    say: (provider, status) => `${provider} refused the request (HTTP ${status}).`,
    reason: 'The request itself is refused, and would be again; an unknown 4xx counts as 400 (RFC 9110, section 15).',
  },
  {
    ...ambiguous,
    seen: [[200, 299]],
    reason: 'Success without an id that can be asked about (unreadable, too long, none): it is probably being made.',
  },
  {
    ...ambiguous,
    seen: [[500, 599]],
    reason:
      'It broke after it had arrived, at the provider or behind a proxy (502, 503, 504), with the order taken up or not.',
  },
  {
    ...ambiguous,
    seen: [[100, 999]],
    reason: '302 and 303 may follow work that was done; what no standard knows proves nothing.',
  },
];

/** The row of what came of a request that brought no id. */
export function classify(outcome: Outcome): FailureClass {
  const found = FAILURE_CLASSES.find((row) => isSeen(row, outcome));
  if (!found) throw new Error(`No class of failure fits ${outcome.kind}.`);
  return found;
}

function isSeen({ seen, isForeign }: FailureClass, outcome: Outcome): boolean {
  if (outcome.kind !== 'ANSWERED') return seen === outcome.kind;
  if (isForeign && outcome.body !== undefined) return false;
  return typeof seen !== 'string' && seen.some(([from, to]) => outcome.status >= from && outcome.status <= to);
}
