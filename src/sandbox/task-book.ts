import { openJournal } from './journal.ts';
import { type Accepted, getNow, TASK_LIFE_MS, type Task, toTask } from './task.ts';

/** Every task of the last 24 hours, oldest first, whatever provider it belongs to. */
export interface TaskBook {
  /** Accepts an order for good: it is in the journal when this returns. */
  add(accepted: Accepted): Task;
  find(provider: string, id: string): Task | null;
  list(): Task[];
  close(): void;
}

const MOST_TASKS = 100_000;
const LINES_BETWEEN_REWRITES = 20_000;

export function openTaskBook(journalFile: string | null): TaskBook {
  const { journal, kept } = journalFile ? openJournal(journalFile) : { journal: null, kept: [] };
  const tasks = new Map(kept.map((accepted) => [toKey(accepted.provider, accepted.id), toTask(accepted)]));
  let written = 0;

  function forgetOld(): void {
    const oldest = getNow() - TASK_LIFE_MS;
    for (const [key, task] of tasks) {
      if (task.acceptedAt > oldest && tasks.size <= MOST_TASKS) return;
      tasks.delete(key);
    }
  }

  forgetOld();
  // Also heals a torn last line, which the next append would otherwise be glued to.
  journal?.rewrite(tasks.values());

  return {
    add(accepted) {
      if (++written % LINES_BETWEEN_REWRITES === 0) journal?.rewrite(tasks.values());
      journal?.append(accepted);
      const task = toTask(accepted);
      tasks.set(toKey(task.provider, task.id), task);
      forgetOld();
      return task;
    },
    find(provider, id) {
      const task = tasks.get(toKey(provider, id));
      return task && task.acceptedAt > getNow() - TASK_LIFE_MS ? task : null;
    },
    list: () => [...tasks.values()],
    close: () => journal?.close(),
  };
}

function toKey(provider: string, id: string): string {
  return `${provider}/${id}`;
}
