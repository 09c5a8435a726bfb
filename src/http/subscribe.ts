import { setTimeout as sleep } from 'node:timers/promises';
import { createSourceEventStream, type ExecutionArgs, type ExecutionResult, execute } from 'graphql';
import { isUnavailable } from '../db/unavailable.ts';

/** The place of a message in its stream, beside the answer and never in it. */
const CURSOR = Symbol('cursor');

type Message = ExecutionResult & { [CURSOR]?: string | undefined };

/**
 * Runs a subscription: each event of its source is answered by executing the operation on it, and is remembered by the
 * event's `cursor`. An operation that cannot begin is one answer with errors.
 */
export async function subscribe(args: ExecutionArgs): Promise<ExecutionResult | AsyncIterableIterator<Message>> {
  const source = await createSourceEventStream(args);
  return Symbol.asyncIterator in source ? answerEach(source[Symbol.asyncIterator](), args) : source;
}

/** Where a client resumes that has received this message; null for one that says nothing new. */
export function cursorOf(message: Message): string | null {
  return message[CURSOR] ?? null;
}

const LONGEST_PAUSE_MS = 2_000;

/** Not a generator: its `return()` would wait for the next event before it stops the source. */
function answerEach(source: AsyncIterator<unknown>, args: ExecutionArgs): AsyncIterableIterator<Message> {
  const over = new AbortController();
  return {
    async next() {
      try {
        const event = await source.next();
        if (event.done) return { value: undefined, done: true };
        const answer = await answerWhole({ ...args, rootValue: event.value }, over.signal);
        return { value: { ...answer, [CURSOR]: cursorIn(event.value) }, done: false };
      } catch (error) {
        // To whoever reads this is the end, so that nobody else would stop it.
        await source.return?.();
        throw error;
      }
    },
    async return() {
      over.abort();
      await source.return?.();
      return { value: undefined, done: true };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** A database that is away spoils no event: it comes once and may be the last, and reading again is free. */
async function answerWhole(args: ExecutionArgs, over: AbortSignal): Promise<ExecutionResult> {
  for (let pauseMs = 100; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    const answer = await execute(args);
    const isWhole = !answer.errors?.some(({ originalError }) => isUnavailable(originalError));
    if (isWhole || over.aborted) return answer;
    await sleep(pauseMs, undefined, { signal: over }).catch(() => {});
  }
}

function cursorIn(event: unknown): string | undefined {
  const known = typeof event === 'object' && event !== null && 'cursor' in event;
  return known && typeof event.cursor === 'string' ? event.cursor : undefined;
}
