import type { FailureCode, Trouble } from '../../generation/failure-code.ts';
import { NOTHING_SAID, type Said, toTrouble } from '../trouble.ts';

interface Known {
  code: FailureCode;
  retryable: boolean;
  message: string;
}

const moderated: Known = {
  code: 'MODERATED_OUTPUT',
  retryable: false,
  message: 'GPTImage2 blocked this for its content.',
};
const canceled: Known = { code: 'CANCELED', retryable: true, message: 'GPTImage2 canceled this.' };
const rejected: Known = {
  code: 'PROVIDER_REJECTED',
  retryable: false,
  message: 'GPTImage2 could not work with this request.',
};
const gone: Known = { code: 'PROVIDER_ERROR', retryable: false, message: 'GPTImage2 does not offer this at present.' };
const failed: Known = { code: 'PROVIDER_ERROR', retryable: true, message: 'GPTImage2 failed to make this.' };

/** The documented codes of a failed task that are not to be retried (providers.md §1.2); every other one may be. */
const KNOWN: ReadonlyMap<string, Known> = new Map([
  ['content_policy_violation', moderated],
  ['request_cancelled', canceled],
  ['invalid_parameters', rejected],
  ['image_dimension_mismatch', rejected],
  ['image_processing_error', rejected],
  ['resource_not_found', gone],
  ['model_unavailable', gone],
]);

/** Why a task failed. No source says whether a failed task is refunded, so what it billed is unknown. */
export function toFailure(said: Said): Trouble {
  const { code, retryable, message } = KNOWN.get(said.code ?? '') ?? failed;
  return toTrouble(code, 'UNKNOWN', retryable, message, said);
}

export function toCanceled(): Trouble {
  return toTrouble('CANCELED', 'UNKNOWN', canceled.retryable, canceled.message, NOTHING_SAID);
}

/** Documented for a failed task; at submit no source names a code, so the same one is recognised there. */
export function isModeration({ code }: Said): boolean {
  return code === 'content_policy_violation';
}
