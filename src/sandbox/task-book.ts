import { openJournal } from './journal.ts';
import { type Accepted, getNow, TASK_LIFE_MS, type Task, toTask } from './task.ts';

/** Every task of the last 24 hours, oldest first, whatever provider it belongs to. */
export interface TaskBook {
  /** Accepts an order for good: it is in the journal when this returns. */
  add(accepted: Accepted): Task;
  find(provider: string, id: string): Task | null;
  /** The tasks of one group, in the order they were added. */
  findGroup(provider: string, group: string): Task[];
  list(): Task[];
  /** What the tasks of one provider reserved. */
  spent(provider: string): number;
  close(): void;
}

const MOST_TASKS = 100_000;
const LINES_BETWEEN_REWRITES = 20_000;

export function openTaskBook(journalFile: string | null): TaskBook {
  const { journal, kept } = journalFile ? openJournal(journalFile) : { journal: null, kept: [] };
  const tasks = new Map<string, Task>();
  const groups = new Map<string, Task[]>();
  const spent = new Map<string, number>();
  let written = 0;

  function remember(task: Task): void {
    const { provider, id, group, credits } = task;
    tasks.set(toKey(provider, id), task);
    spent.set(provider, (spent.get(provider) ?? 0) + credits);
    if (group !== undefined) groups.set(toKey(provider, group), [...(groups.get(toKey(provider, group)) ?? []), task]);
  }

  function forgetOld(): void {
    const oldest = getNow() - TASK_LIFE_MS;
    for (const [key, { acceptedAt, provider, group, credits }] of tasks) {
      if (acceptedAt > oldest && tasks.size <= MOST_TASKS) return;
      tasks.delete(key);
      spent.set(provider, (spent.get(provider) ?? 0) - credits);
      // The others were accepted by the same request.
      if (group !== undefined) groups.delete(toKey(provider, group));
    }
  }

  for (const accepted of kept) remember(toTask(accepted));
  forgetOld();
  // Also heals a torn last line, which the next append would otherwise be glued to.
  journal?.rewrite(tasks.values());

  return {
    add(accepted) {
      if (++written % LINES_BETWEEN_REWRITES === 0) journal?.rewrite(tasks.values());
      journal?.append(accepted);
      const task = toTask(accepted);
      remember(task);
      forgetOld();
      return task;
    },
    find(provider, id) {
      const task = tasks.get(toKey(provider, id));
      return task && isAlive(task) ? task : null;
    },
    findGroup: (provider, group) => (groups.get(toKey(provider, group)) ?? []).filter(isAlive),
    list: () => [...tasks.values()],
    spent: (provider) => spent.get(provider) ?? 0,
    close: () => journal?.close(),
  };
}

function isAlive({ acceptedAt }: Task): boolean {
  return acceptedAt > getNow() - TASK_LIFE_MS;
}

function toKey(provider: string, id: string): string {
  return `${provider}/${id}`;
}
