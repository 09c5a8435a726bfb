import type { Trouble } from '../../generation/failure-code.ts';
import { soundsModerated } from '../moderation.ts';
import { NOTHING_SAID, type Said, toTrouble } from '../trouble.ts';

/**
 * Why a task failed. That its credits come back by themselves is a third party's observation and in no document
 * (providers.md §5.3): what it billed is unknown.
 */
export function toFailure(said: Said): Trouble {
  if (isModeration(said)) {
    return toTrouble('MODERATED_OUTPUT', 'UNKNOWN', false, '3D AI Studio blocked this for its content.', said);
  }
  return toTrouble('PROVIDER_ERROR', 'UNKNOWN', true, '3D AI Studio failed to make this.', said);
}

export function toCanceled(): Trouble {
  return toTrouble('CANCELED', 'UNKNOWN', true, '3D AI Studio canceled this.', NOTHING_SAID);
}

/** A fault of the request may name the field `enable_safety_checker`. */
export function isModeration(said: Said): boolean {
  return said.code !== 'validation_failed' && soundsModerated(said);
}
