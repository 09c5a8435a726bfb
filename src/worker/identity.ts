import type { Domain } from '../generation/domain.ts';
import { keepAlive, registerWorker, retireWorker } from '../generation/lease.ts';

export interface Identity {
  /** The name under which this process holds tasks. Changes when it was silent for too long. */
  readonly id: string;
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
  let id = '';
  let timer: NodeJS.Timeout | undefined;
  let beating: Promise<void> = Promise.resolve();

  async function beat(): Promise<void> {
    try {
      if (await keepAlive(domain, id)) return;
      domain.log.warn({ worker: id }, 'this worker was silent for too long and its tasks went to others');
      id = await registerWorker(domain);
      onLost();
    } catch (error) {
      domain.log.warn({ err: error }, 'the heartbeat failed; trying again');
    }
  }

  return {
    get id() {
      return id;
    },
    async start() {
      id = await registerWorker(domain);
      timer = setInterval(() => {
        beating = beating.then(beat);
      }, domain.timing.leaseMs / 3);
    },
    async stop() {
      clearInterval(timer);
      await beating;
      if (id === '') return;
      // Without a database nothing can be given back; the lease runs out by itself.
      await retireWorker(domain, id).catch((error: unknown) =>
        domain.log.warn({ err: error }, 'leases were not given back'),
      );
    },
  };
}
