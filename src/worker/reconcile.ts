import type { Domain } from '../generation/domain.ts';
import { expireTasks } from '../generation/expire.ts';
import { takeOverFromTheSilent } from '../generation/lease.ts';
import { createLoop, type Loop } from './loop.ts';

const EVERY_MS = 1_000;
const BATCH = 200;

/** Takes over from silent workers, and ends what ran out of time. */
export function createReconciler(domain: Domain): Loop {
  return createLoop({
    name: 'reconcile',
    log: domain.log,
    async tick() {
      await takeOverFromTheSilent(domain);
      return (await expireTasks(domain, BATCH)) >= BATCH ? 0 : EVERY_MS;
    },
  });
}
