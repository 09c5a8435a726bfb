import { inArray } from 'drizzle-orm';
import { generations } from '../db/schema.ts';
import { isFinished } from './derive.ts';
import type { Domain } from './domain.ts';
import { LatestState, type Update } from './latest-state.ts';
import { toGeneration, WHOLE } from './rows.ts';
import type { Generation } from './types.ts';

/** Hints get lost with a connection or a process: this often every watched generation is looked at anyway. */
const SLOW_POLL_MS = 5_000;

export interface Watcher {
  /**
   * The generation's states from the present one on, each newer than the last, ending after a final one. States in
   * between may be skipped for a slow reader; the final one never is. `heldVersion` is what the client has already.
   */
  watch(generation: Generation, heldVersion: number): AsyncIterableIterator<Update>;
  /** How many are watching. */
  readonly size: number;
  start(): void;
  stop(): Promise<void>;
}

/** One per process: reads each changed generation once, however many clients watch it. */
export function createWatcher({ db, hints, log }: Domain): Watcher {
  const watched = new Map<string, Set<LatestState>>();
  let dirty = new Set<string>();
  let reading: Promise<void> | undefined;
  let unhint: (() => void) | undefined;
  let timer: NodeJS.Timeout | undefined;

  function mark(ids: Iterable<string>): void {
    for (const id of ids) if (watched.has(id)) dirty.add(id);
    if (dirty.size > 0) reading ??= readAll();
  }

  async function readAll(): Promise<void> {
    while (dirty.size > 0) {
      const ids = [...dirty];
      dirty = new Set();
      try {
        const rows = await db.query.generations.findMany({
          where: inArray(generations.id, ids),
          with: WHOLE,
        });
        for (const generation of rows.map(toGeneration)) {
          for (const state of watched.get(generation.id) ?? []) state.offer(generation);
        }
      } catch (error) {
        log.warn({ err: error }, 'watched generations could not be read; trying again at the next hint');
      }
    }
    // In the same breath as the last look at `dirty`: what is marked a moment later starts the next read.
    reading = undefined;
  }

  return {
    watch(generation, heldVersion) {
      const state = new LatestState(heldVersion, () => {
        const group = watched.get(generation.id);
        group?.delete(state);
        if (group?.size === 0) watched.delete(generation.id);
      });
      const group = watched.get(generation.id) ?? new Set();
      watched.set(generation.id, group.add(state));
      // Subscribed first, then read: what was found before may have been overtaken in between.
      if (isFinished(generation.status)) state.offer(generation);
      else mark([generation.id]);
      return state;
    },
    get size() {
      return [...watched.values()].reduce((sum, group) => sum + group.size, 0);
    },
    start() {
      unhint = hints.on(({ generationIds }) => mark(generationIds ?? watched.keys()));
      timer = setInterval(() => mark(watched.keys()), SLOW_POLL_MS);
    },
    async stop() {
      unhint?.();
      clearInterval(timer);
      for (const state of [...watched.values()].flatMap((group) => [...group])) state.end();
      await reading;
    },
  };
}
