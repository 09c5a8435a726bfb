import type { Domain } from '../generation/domain.ts';
import { expireTasks } from '../generation/expire.ts';
import { listHeldTaskIds, releaseTasks, takeOverFromTheSilent } from '../generation/lease.ts';
import { recallTurnedAway } from '../generation/recall.ts';
import type { Holder, Identity } from './identity.ts';
import { createLoop, type Loop } from './loop.ts';
import type { Poller } from './poll.ts';

const EVERY_MS = 1_000;
const UNTIL_THE_NEXT_HEARTBEAT_MS = 100;
/** This, one more round and a claim: within five seconds of a database that is back. */
const COMPARE_EVERY_MS = 2_000;
const BATCH = 200;

/**
 * Takes over from silent workers, ends what ran out of time, calls back what was turned away, and compares the tasks this
 * worker holds according to the database with those its loops have in hand: they part when the answer to a claim is lost,
 * or a task is canceled.
 */
export function createReconciler(domain: Domain, identity: Identity, poller: Poller, holders: Holder[]): Loop {
  let comparedAt = performance.now();
  let strays = new Set<string>();

  async function compare(): Promise<void> {
    comparedAt = performance.now();
    const polled = poller.list();
    const ids = await listHeldTaskIds(domain, identity.id);
    const mine = new Set(ids);
    // A canceled task leaves without a word. One that was claimed since the list was made is not on it, and stays.
    poller.forget(polled.filter((id) => !mine.has(id)));
    // Seen twice: a task is claimed a moment before its loop has it in hand.
    const inNoHand = ids.filter((id) => !holders.some((holder) => holder.holds(id)));
    const forgotten = inNoHand.filter((id) => strays.has(id));
    strays = new Set(inNoHand);
    await releaseTasks(domain, identity.id, forgotten);
  }

  return createLoop({
    name: 'reconcile',
    log: domain.log,
    observer: domain.observer,
    async tick() {
      if (!identity.isAlive()) return UNTIL_THE_NEXT_HEARTBEAT_MS;
      if (identity.mayJudge()) await takeOverFromTheSilent(domain);
      if (strays.size > 0 || performance.now() - comparedAt > COMPARE_EVERY_MS) await compare();
      const isMore = (await expireTasks(domain, BATCH)) >= BATCH;
      await recallTurnedAway(domain);
      return isMore ? 0 : EVERY_MS;
    },
  });
}
