import type { Caller } from '../workspace/caller.ts';
import { changeGenerations } from './change.ts';
import { isFinished } from './derive.ts';
import type { Domain } from './domain.ts';
import { findGeneration } from './find.ts';
import { applyReport } from './machine.ts';
import { isFinal } from './moves.ts';
import type { Generation } from './types.ts';
import type { UserError } from './user-error.ts';

export type Cancelability = 'FREE' | 'MAY_BE_BILLED' | 'IMPOSSIBLE';

/** FREE while nothing was sent; MAY_BE_BILLED after that, since no provider is known to take a task back; IMPOSSIBLE once images are there. */
export function cancelabilityOf({ tasks }: Generation): Cancelability {
  const open = tasks.filter(({ status }) => !isFinal(status));
  const stoppable = open.filter(({ status }) => status !== 'COLLECTING');
  if (stoppable.length === 0) return 'IMPOSSIBLE';
  return stoppable.every(({ status }) => status === 'QUEUED') && stoppable.length === tasks.length
    ? 'FREE'
    : 'MAY_BE_BILLED';
}

/** Ends every task that can still be ended. Canceling what is canceled already changes nothing and is no error. */
export async function cancelGeneration(
  domain: Domain,
  caller: Caller,
  id: string,
): Promise<{ ok: true; generation: Generation } | { ok: false; generation: Generation | null; errors: UserError[] }> {
  const found = await findGeneration(domain, caller, { id });
  if (!found) {
    const message = 'There is no generation with this id.';
    return { ok: false, generation: null, errors: [{ kind: 'NOT_FOUND', path: ['id'], message }] };
  }
  if (found.status === 'CANCELED') return { ok: true, generation: found };
  const [generation = found] = await changeGenerations(domain, [id], (before, moment) => {
    if (cancelabilityOf(before) === 'IMPOSSIBLE') return before;
    return before.tasks.reduce(
      (state, { id: taskId }) => applyReport(state, { kind: 'CANCEL', taskId }, moment),
      before,
    );
  });
  if (generation.tasks.some(({ status }) => status === 'CANCELED')) return { ok: true, generation };
  const message = isFinished(generation.status)
    ? `It is ${generation.status} already.`
    : 'Its images are finished at the provider and are being stored.';
  return { ok: false, generation, errors: [{ kind: 'NOT_CANCELABLE', path: ['id'], message }] };
}
