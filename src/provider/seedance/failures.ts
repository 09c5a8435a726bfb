import type { Trouble } from '../../generation/failure-code.ts';
import { type Said, toTrouble } from '../trouble.ts';

/** Charged when it was accepted; no source says whether a failure is refunded, so what it billed is unknown. */
export function toFailure(said: Said): Trouble {
  if (isModeration(said)) {
    return toTrouble('MODERATED_OUTPUT', 'UNKNOWN', false, 'Seedance blocked this for its content.', said);
  }
  return toTrouble('PROVIDER_ERROR', 'UNKNOWN', true, 'Seedance failed to make this.', said);
}

export function isModeration({ code }: Said): boolean {
  return code === 'content_policy';
}
