import { createHash } from 'node:crypto';
import type { Callbacks } from './callbacks.ts';
import type { Call, Desk, Dialect, Reply } from './dialect.ts';
import { type DirectiveName, type Directives, getNumber, readPrompt } from './directives.ts';
import { drawFile } from './files.ts';
import type { Pictures } from './pictures.ts';
import { getNow, type Order, type Task } from './task.ts';
import type { TaskBook } from './task-book.ts';

const MOST_COUNTERS = 10_000;

export function createDesk(dialect: Dialect, tasks: TaskBook, callbacks: Callbacks, pictures: Pictures): Desk {
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
    if (asksFor('moderated') && dialect.moderate) return dialect.moderate();
    const [requestHash, acceptedAt] = [hash(call.body), getNow()];
    const taken = orders.map((order) => tasks.add({ ...order, provider: dialect.slug, acceptedAt, requestHash }));
    for (const task of taken) callbacks.schedule(task, call.origin);
    const lost = taken.find(({ directives }) => directives.has('lost-answer'));
    if (lost) return cutAfter(getNumber(lost.directives, 'lost-answer', 0), toReply(taken));
    if (asksFor('submit-500')) return dialect.refuse('broken');
    return toReply(taken);
  }

  return {
    takeAll,
    take: (call, order, toReply) => takeAll(call, [order], (taken) => toReply(taken[0] as Task)),
    find(id) {
      const task = tasks.find(dialect.slug, id);
      return task && isFindable(task) ? task : null;
    },
    isTaken: (id) => tasks.find(dialect.slug, id) !== null,
    findGroup: (group) => tasks.findGroup(dialect.slug, group).filter(isFindable),
    list: () => tasks.list().filter((task) => task.provider === dialect.slug && isFindable(task)),
    spent: () => tasks.spent(dialect.slug),
    draw: (task, index) => drawFile(pictures, task, index),
  };
}

/** The connection is gone before the first byte; an answer in pieces may name how many of them arrive first. */
function cutAfter(pieces: number, reply: Reply): Reply {
  if (pieces === 0 || reply === 'cut' || !('pieces' in reply)) return 'cut';
  return { ...reply, pieces: takePieces(reply.pieces, pieces) };
}

async function* takePieces(pieces: AsyncIterable<string | null>, most: number): AsyncGenerator<string | null> {
  let sent = 0;
  for await (const piece of pieces) {
    yield piece;
    if (++sent >= most) break;
  }
  yield null;
}

function isFindable({ directives }: Task): boolean {
  return !directives.has('lost-poll');
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
