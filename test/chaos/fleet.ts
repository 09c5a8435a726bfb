import { until } from '../service/until.ts';
import type { Arm } from './process.ts';
import { createSlot, type Slot, type SlotOptions } from './slot.ts';

/** All processes of one campaign. */
export interface Fleet {
  slots: readonly Slot[];
  isReady(): boolean;
  /** Ends the first process that reaches the point; resolves when it is gone. */
  arm(arm: Arm): Promise<void>;
  /** Takes back what nobody has reached. */
  disarm(): void;
  stop(): Promise<void>;
}

const READY_WITHIN_MS = 60_000;

/** Starts one process for each role, and another whenever one has ended. */
export async function startFleet(
  roles: readonly Slot['role'][],
  options: Omit<SlotOptions, 'role' | 'name' | 'arms' | 'onReached'>,
): Promise<Fleet> {
  let traps: { arm: Arm; done: () => void }[] = [];
  const arms = () => traps.map(({ arm }) => arm);
  const tell = (arm: Arm) => {
    for (const slot of slots) slot.tell(arm);
  };
  const onReached = (point: string) => {
    const reached = traps.find(({ arm }) => arm.point === point);
    if (!reached) return;
    traps = traps.filter((trap) => trap !== reached);
    // The same point may be trapped once more.
    tell(arms().find((arm) => arm.point === point) ?? { ...reached.arm, times: 0 });
    reached.done();
  };
  const slots = roles.map((role, i) => createSlot({ ...options, role, name: `${role}-${i}`, arms, onReached }));

  const isReady = () => slots.every(({ url }) => url !== null);
  const stop = async () => void (await Promise.all(slots.map((slot) => slot.stop())));
  try {
    await until(isReady, Boolean, READY_WITHIN_MS);
  } catch (error) {
    await stop();
    throw new Error(`not all processes were ready: ${options.accidents.at(-1)}`, { cause: error });
  }
  return {
    slots,
    isReady,
    arm(arm) {
      tell(arm);
      return new Promise((done) => traps.push({ arm, done }));
    },
    disarm() {
      for (const arm of arms()) tell({ ...arm, times: 0 });
      traps = [];
    },
    stop,
  };
}
