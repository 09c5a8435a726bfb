/** What falls due within it counts as due together. */
const TOGETHER_MS = 20;

export interface OnRota {
  readonly workspaceId: string;
}

/** Which of many things are due, however many there are: each step costs as much as it moves. */
export interface Rota<T extends OnRota> {
  /** When it is due, in milliseconds of any clock, instead of when it was before; never, at infinity. */
  place(item: T, dueAt: number): void;
  remove(item: T): void;
  /** At most so many that are due, and no longer on the rota: the first of each workspace before the second of any. */
  take(now: number, most: number): T[];
  /** Milliseconds until something is due; `most` where nothing is before. */
  napMs(now: number, most: number): number;
}

/** Waiting items lie in slots of 20 ms; a slot whose time has come is emptied into the queues of its workspaces. */
export function createRota<T extends OnRota>(began: number): Rota<T> {
  const slots = new Map<number, Set<T>>();
  const queues = new Map<string, Set<T>>();
  const places = new Map<T, Set<T>>();
  let passed = Math.floor(began / TOGETHER_MS);

  function put<K>(sets: Map<K, Set<T>>, key: K, item: T): void {
    const set = sets.get(key) ?? new Set();
    sets.set(key, set.add(item));
    places.set(item, set);
  }

  function remove(item: T): void {
    places.get(item)?.delete(item);
    places.delete(item);
  }

  function pass(now: number): void {
    for (const until = Math.floor(now / TOGETHER_MS); passed < until; ) {
      passed += 1;
      for (const item of slots.get(passed) ?? []) put(queues, item.workspaceId, item);
      slots.delete(passed);
    }
  }

  return {
    remove,
    place(item, dueAt) {
      remove(item);
      const slot = Math.ceil(dueAt / TOGETHER_MS);
      if (slot <= passed) put(queues, item.workspaceId, item);
      else if (slot < Number.POSITIVE_INFINITY) put(slots, slot, item);
    },
    take(now, most) {
      pass(now);
      const taken: T[] = [];
      // Whoever was served goes to the end, which this very loop comes to.
      for (const [workspaceId, queue] of queues) {
        if (taken.length >= most) break;
        queues.delete(workspaceId);
        const [first] = queue;
        if (!first) continue;
        remove(first);
        taken.push(first);
        if (queue.size > 0) queues.set(workspaceId, queue);
      }
      return taken;
    },
    napMs(now, most) {
      for (const queue of queues.values()) if (queue.size > 0) return 0;
      for (let slot = passed + 1; slot * TOGETHER_MS < now + most; slot += 1) {
        if (slots.get(slot)?.size) return Math.max(0, slot * TOGETHER_MS - now);
      }
      return most;
    },
  };
}
