import { createHash } from 'node:crypto';
import type { Callbacks } from './callbacks.ts';
import type { Call, Desk, Dialect, Reply } from './dialect.ts';
import { type DirectiveName, type Directives, getNumber, readPrompt } from './directives.ts';
import { getNow, type Order, type Task } from './task.ts';
import type { TaskBook } from './task-book.ts';

const MOST_COUNTERS = 10_000;

export function createDesk(dialect: Dialect, tasks: TaskBook, callbacks: Callbacks): Desk {
  const refusals = new Map<string, number>();

  /** The first submits of one prompt with one key are refused, as many as it says. */
  function isRateLimited(key: string, prompt: string, directives: Directives): boolean {
    if (!directives.has('rate-limited')) return false;
    const times = getNumber(directives, 'rate-limited', 1);
    const counter = hash(`${key}\n${prompt}`);
    const refused = refusals.get(counter) ?? 0;
    if (refused >= times) return false;
    refusals.set(counter, refused + 1);
    const [oldest] = refusals.keys();
    if (refusals.size > MOST_COUNTERS && oldest) refusals.delete(oldest);
    return true;
  }

  function takeAll(call: Call, orders: readonly Order[], toReply: (tasks: Task[]) => Reply): Reply {
    const scripts = orders.map(({ prompt }) => ({ prompt, ...readPrompt(prompt) }));
    const asksFor = (name: DirectiveName) => scripts.some(({ directives }) => directives.has(name));
    if (scripts.some(({ prompt, directives }) => isRateLimited(call.key, prompt, directives))) {
      return dialect.refuse('rate-limited');
    }
    if (asksFor('no-credits')) return dialect.refuse('no-credits');
    const [requestHash, acceptedAt] = [hash(call.body), getNow()];
    const taken = orders.map((order) => tasks.add({ ...order, provider: dialect.slug, acceptedAt, requestHash }));
    for (const task of taken) callbacks.schedule(task, call.origin);
    if (asksFor('lost-answer')) return 'cut';
    if (asksFor('submit-500')) return dialect.refuse('broken');
    return toReply(taken);
  }

  return {
    takeAll,
    take: (call, order, toReply) => takeAll(call, [order], (taken) => toReply(taken[0] as Task)),
    find(id) {
      const task = tasks.find(dialect.slug, id);
      return task?.directives.has('lost-poll') ? null : task;
    },
  };
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
