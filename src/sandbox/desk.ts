import { createHash } from 'node:crypto';
import type { Callbacks } from './callbacks.ts';
import type { Desk, Dialect } from './dialect.ts';
import { type Directives, getNumber, readPrompt } from './directives.ts';
import { getNow } from './task.ts';
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

  return {
    take(call, order, toReply) {
      const { directives } = readPrompt(order.prompt);
      if (isRateLimited(call.key, order.prompt, directives)) return dialect.refuse('rate-limited');
      if (directives.has('no-credits')) return dialect.refuse('no-credits');
      const task = tasks.add({ ...order, provider: dialect.slug, acceptedAt: getNow(), requestHash: hash(call.body) });
      callbacks.schedule(task, call.origin);
      if (directives.has('lost-answer')) return 'cut';
      if (directives.has('submit-500')) return dialect.refuse('broken');
      return toReply(task);
    },
    find(id) {
      const task = tasks.find(dialect.slug, id);
      return task?.directives.has('lost-poll') ? null : task;
    },
  };
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
