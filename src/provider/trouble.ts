import type { Billed, FailureCode, Trouble } from '../generation/failure-code.ts';
import { cut } from './shorten.ts';

/** What a provider's error body said, whatever its shape was. */
export interface Said {
  code: string | null;
  message: string | null;
  /** Its words about when to come back. */
  hint: string | null;
}

export const NOTHING_SAID: Said = { code: null, message: null, hint: null };

export function toTrouble(
  code: FailureCode,
  billed: Billed,
  retryable: boolean,
  message: string,
  said: Said = NOTHING_SAID,
): Trouble {
  return {
    code,
    message,
    billed,
    retryable,
    providerCode: said.code === null ? null : cut(said.code, 100),
    providerMessage: said.message === null ? null : cut(said.message, 1_000),
  };
}
