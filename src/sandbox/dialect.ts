import type { Order, Task } from './task.ts';

/** An authorised request, below the dialect's mount. */
export interface Call {
  method: string;
  /** Without the mount and the query: `/v1/tasks/42`. */
  path: string;
  /** The bearer key. */
  key: string;
  body: string;
  /** Where the caller found the sandbox: `http://127.0.0.1:4010`. */
  origin: string;
}

/** What goes back: JSON, or a connection destroyed before the first byte. */
export type Reply = { status: number; headers?: Record<string, string>; body: unknown } | 'cut';

/** What the frame refuses for every provider, each in its own envelope. */
export type Refusal = 'unauthorized' | 'no-credits' | 'no-such-path' | 'body-too-large' | 'rate-limited' | 'broken';

/** What the frame does for a dialect: take an order with the faults its prompt asks for, and find it again. */
export interface Desk {
  /** Accepts and bills the order, and answers with `toReply`, unless the prompt scripts something worse. */
  take(call: Call, order: Order, toReply: (task: Task) => Reply): Reply;
  /** The task, or null when it is unknown, older than 24 hours, or scripted to be lost. */
  find(id: string): Task | null;
}

/** One provider's wire format. It turns bodies into orders and tasks into bodies; all else is the frame's. */
export interface Dialect {
  /** Names the provider, and the mount: `/gptimage2`. */
  readonly slug: string;
  refuse(refusal: Refusal): Reply;
  answer(call: Call, desk: Desk): Reply;
  /** How the provider reports a task now: the body of its callback. */
  describe(task: Task, origin: string): unknown;
}

/** Where a task's picture is fetched. SIM: with `expired-url` each look signs a new address, which is expired too. */
export function getPictureUrl({ provider, id, format, directives }: Task, index: number, origin: string): string {
  const address = `${origin}/${provider}/files/${id}/${index}.${format}`;
  return directives.has('expired-url')
    ? `${address}?signed=${Math.floor(performance.now() * 1000).toString(36)}`
    : address;
}
