import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../service/until.ts';
import type { Database } from './database.ts';
import type { Fleet } from './fleet.ts';
import { isTrap, type Strike } from './plan.ts';
import type { ProviderDoor } from './provider-door.ts';
import type { Slot } from './slot.ts';

/** What was done, by kind; kill points by their name. */
export interface Strikes {
  /** Resolves when the blow has fallen; a trap that nobody steps into for a while stays set. */
  strike(strike: Strike): Promise<void>;
  /** Takes back the traps. */
  end(): void;
  counts: Map<string, number>;
  /** The traps that nobody has stepped into. */
  missed: string[];
}

interface Targets {
  fleet: Fleet;
  door: ProviderDoor;
  database: Database;
  /** Told of each blow when it has fallen. */
  onStrike: (name: string) => void;
}

/** A trap that nobody steps into must not hold up the campaign: it stays set. */
const WAITS_AT_MOST_MS = 10_000;
const ALL_BACK_WITHIN_MS = 60_000;

export function createStrikes({ fleet, door, database, onStrike }: Targets): Strikes {
  const counts = new Map<string, number>();
  const waiting: string[] = [];

  /** The process in the slot, as soon as there is one that is ready. */
  async function atSlot(role: 'api' | 'worker', number: number): Promise<Slot> {
    const slot = fleet.slots.filter((each) => each.role === role)[number];
    if (!slot) throw new Error(`there is no ${role} ${number}`);
    await until(() => slot.url, Boolean, ALL_BACK_WITHIN_MS);
    return slot;
  }

  async function carryOut(strike: Strike): Promise<void> {
    switch (strike.kind) {
      case 'worker':
      case 'api':
        return (await atSlot(strike.kind, strike.slot)).kill();
      case 'kill point':
        return fleet.arm({ point: strike.point, times: strike.times });
      case 'on receipt':
      case 'after accept':
        return door.killAtNext(strike.kind);
      case 'frozen':
        return (await atSlot('worker', strike.slot)).freeze(strike.forMs);
      case 'database':
        return database.kill(strike.signal);
    }
  }

  return {
    async strike(strike) {
      const name = nameOf(strike);
      waiting.push(name);
      const struck = carryOut(strike).then(() => {
        waiting.splice(waiting.indexOf(name), 1);
        counts.set(name, (counts.get(name) ?? 0) + 1);
        onStrike(name);
      });
      await (isTrap(strike) ? Promise.race([struck, sleep(WAITS_AT_MOST_MS, undefined, { ref: false })]) : struck);
    },
    end() {
      door.disarm();
      fleet.disarm();
    },
    counts,
    missed: waiting,
  };
}

function nameOf(strike: Strike): string {
  switch (strike.kind) {
    case 'kill point':
      return strike.point;
    case 'database':
      return `database ${strike.signal}`;
    default:
      return strike.kind;
  }
}
