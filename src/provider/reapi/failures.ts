import type { Trouble } from '../../generation/failure-code.ts';
import { soundsModerated } from '../moderation.ts';
import { type Said, toTrouble } from '../trouble.ts';

/**
 * Why a task failed. Its credits are back before any poll tells of the failure, moderated ones too (providers.md §4.2,
 * seed 002): nothing is billed.
 */
export function toFailure(said: Said): Trouble {
  if (soundsModerated(said)) {
    return toTrouble('MODERATED_OUTPUT', 'NO', false, 'reAPI blocked this for its content.', said);
  }
  // Of the five digits a leading 2 is validation (providers.md §4.3).
  if (/^2\d{4}$/.test(said.code ?? '')) {
    return toTrouble('PROVIDER_REJECTED', 'NO', false, 'reAPI could not work with this request.', said);
  }
  return toTrouble('PROVIDER_ERROR', 'NO', true, 'reAPI failed to make this.', said);
}
