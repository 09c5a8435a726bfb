import type { Trouble } from './failure-code.ts';
import type { Task } from './types.ts';

const trouble = (code: Trouble['code'], billed: Trouble['billed'], retryable: boolean, message: string): Trouble => ({
  code,
  message,
  billed,
  retryable,
  providerCode: null,
  providerMessage: null,
});

export const abandoned = trouble(
  'OUTCOME_UNKNOWN',
  'UNKNOWN',
  false,
  'The worker that was sending this ended before the provider answered, so it may have been accepted.',
);
export const neverLeft = trouble(
  'INTERNAL',
  'NO',
  true,
  'The database went away as this was about to be sent; it has not left and is sent again.',
);
export const outcomeUnknown = trouble(
  'OUTCOME_UNKNOWN',
  'UNKNOWN',
  false,
  'Whether the provider accepted this could not be found out in time. Sending it again may pay twice.',
);
export const resolvedBilled = trouble(
  'OUTCOME_UNKNOWN',
  'YES',
  false,
  'The answer to this submission was lost; an operator found that the provider billed it.',
);
export const resolvedUnbilled = trouble(
  'OUTCOME_UNKNOWN',
  'NO',
  true,
  'The answer to this submission was lost; an operator found that the provider did not bill it.',
);
export const neverKept = trouble(
  'INTERNAL',
  'UNKNOWN',
  true,
  'Again and again this image could not be kept, until its URL at the provider had expired.',
);
export const tooLate = trouble(
  'DEADLINE_EXCEEDED',
  'UNKNOWN',
  true,
  'The provider accepted this but had not finished it by the deadline.',
);
export const nothingDelivered = trouble('NOT_DELIVERED', 'UNKNOWN', true, 'The provider finished without any image.');
export const canceledFree = trouble('CANCELED', 'NO', true, 'Canceled before anything was sent to a provider.');
export const canceledLate = trouble(
  'CANCELED',
  'UNKNOWN',
  true,
  'Canceled after it had been sent to the provider, which may bill it all the same.',
);

/** Why a task that no provider ever accepted ends at its deadline: what stood in its way, where that is known. */
export function neverAccepted({ failure }: Task): Trouble {
  const late = 'The deadline passed before a provider accepted this; nothing was billed.';
  if (!failure) return trouble('DEADLINE_EXCEEDED', 'NO', true, late);
  return { ...failure, billed: 'NO', retryable: true, message: `${failure.message} ${late}` };
}
