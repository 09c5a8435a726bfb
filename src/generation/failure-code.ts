/** What went wrong, before it is known when. `message` is ours; `providerMessage` is the provider's own text. */
export interface Trouble {
  code: FailureCode;
  message: string;
  billed: Billed;
  retryable: boolean;
  providerCode: string | null;
  providerMessage: string | null;
}

export type FailureCode =
  | 'MODERATED_PROMPT'
  | 'MODERATED_OUTPUT'
  | 'PROVIDER_REJECTED'
  | 'PROVIDER_ERROR'
  | 'PROVIDER_UNREACHABLE'
  | 'PROVIDER_LOST'
  | 'RATE_LIMITED'
  | 'PROVIDER_CREDITS_EXHAUSTED'
  | 'NOT_DELIVERED'
  | 'REFERENCE_UNREACHABLE'
  | 'RESULT_UNAVAILABLE'
  | 'RESULT_INVALID'
  | 'DEADLINE_EXCEEDED'
  | 'OUTCOME_UNKNOWN'
  | 'CANCELED'
  | 'INTERNAL';

export type Billed = 'YES' | 'NO' | 'PARTLY' | 'UNKNOWN';
