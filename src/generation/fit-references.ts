import { fitting, type Misfit, type Part, unfit } from './fit-part.ts';
import type { CreateInput } from './input.ts';
import type { ProviderModel } from './provider-model.ts';

const NEVER_DROPPED = 'References are never dropped, not even under NEAREST.';

/** A picture made without its references would be another picture: they are taken as they are, or refused. */
export function fitReferences(
  asked: CreateInput['references'],
  { references: rules, maxReferences }: ProviderModel,
  together: number | null,
): Part<CreateInput['references'] | null> {
  const path = ['references'];
  if (asked.length === 0) return fitting(asked);
  if (rules === null) return unfit({ path, message: `references is not offered. ${NEVER_DROPPED}`, allowed: null });
  // Each call makes at least one image.
  const most = together === null ? maxReferences : Math.min(maxReferences, together - 1);
  const misfits = asked.flatMap(({ uri }, i) => schemeMisfits(uri, i, rules.schemes));
  if (asked.length > most) {
    const message = `${asked.length} references are too many; at most ${most} are taken.`;
    misfits.unshift({ path, message, allowed: [`at most ${most} references`] });
  }
  return misfits.length > 0 ? unfit(...misfits) : fitting(asked);
}

function schemeMisfits(uri: string, index: number, schemes: readonly string[]): Misfit[] {
  if (schemes.some((scheme) => new URL(uri).protocol === `${scheme}:`)) return [];
  const path = ['references', String(index), 'uri'];
  const allowed = schemes.map((scheme) => `${scheme}://`);
  return [{ path, message: `references.${index}.uri must begin with ${allowed.join(' or ')}.`, allowed }];
}
