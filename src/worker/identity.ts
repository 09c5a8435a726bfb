import type { Domain } from '../generation/domain.ts';
import { keepAlive, registerWorker, retireWorker } from '../generation/lease.ts';
import { createLoop } from './loop.ts';

/** A heartbeat that failed is not put off until the next: the lease runs. */
const AFTER_A_FAILURE_MS = 500;
/** A slower answer tells the time no better than the last one did. */
const EXACT_ENOUGH_MS = 2_000;

export interface Identity {
  /** The name under which this process holds tasks. Changes when it was silent for too long. */
  readonly id: string;
  /** Whether the leases are provably still its own. While they are not, it must neither claim nor ask anybody anything. */
  isAlive(): boolean;
  /** Not for a while after a silence of its own: if the database was away, the others are just coming back as well. */
  mayJudge(): boolean;
  /** The database's time in milliseconds, whatever the clock of this machine says. */
  now(): number;
  start(): Promise<void>;
  /** Gives back every task. */
  stop(): Promise<void>;
}

/** A loop that has tasks in hand. */
export interface Holder {
  holds(taskId: string): boolean;
}

/** Registers this process as a worker and keeps its one row alive; `onLost` is called when its tasks went to others. */
export function createIdentity(domain: Domain, onLost: () => void): Identity {
  const { leaseMs } = domain.timing;
  let id = '';
  // All of them count from when this process started, which no change of the machine's clock touches.
  let aliveUntil = Number.POSITIVE_INFINITY;
  let judgesFrom = 0;
  let databaseIsAhead = Date.now() - performance.now();

  const isAlive = () => id !== '' && performance.now() < aliveUntil;

  async function beat(): Promise<void> {
    const asked = performance.now();
    const at = await keepAlive(domain, id);
    if (at === null) return startAnew();
    const answered = performance.now();
    if (answered > aliveUntil) judgesFrom = answered + leaseMs / 2;
    // The lease runs from some moment after the question.
    aliveUntil = asked + leaseMs;
    if (answered - asked < EXACT_ENOUGH_MS) databaseIsAhead = at - (asked + answered) / 2;
  }

  async function startAnew(): Promise<void> {
    domain.log.warn({ worker: id }, 'this worker was silent for too long and its tasks went to others');
    aliveUntil = 0;
    id = await registerWorker(domain);
    onLost();
    await beat();
  }

  const heart = createLoop({
    name: 'heartbeat',
    log: domain.log,
    observer: domain.observer,
    async tick() {
      try {
        await beat();
        return leaseMs / 3;
      } catch (error) {
        domain.log.warn({ err: error }, 'the heartbeat failed; trying again');
        return Math.min(leaseMs / 3, AFTER_A_FAILURE_MS);
      }
    },
  });

  return {
    get id() {
      return id;
    },
    isAlive,
    mayJudge: () => isAlive() && performance.now() >= judgesFrom,
    now: () => performance.now() + databaseIsAhead,
    async start() {
      id = await registerWorker(domain);
      await beat();
      heart.start();
    },
    async stop() {
      await heart.stop();
      if (id === '') return;
      // Without a database nothing can be given back; the lease runs out by itself.
      await retireWorker(domain, id).catch((error: unknown) =>
        domain.log.warn({ err: error }, 'leases were not given back'),
      );
    },
  };
}
