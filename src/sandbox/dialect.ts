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

/** What goes back: JSON, a text that comes piece by piece, or a connection destroyed before the first byte. */
export type Reply =
  | { status: number; headers?: Record<string, string>; body: unknown }
  /** A piece `null` destroys the connection. */
  | { status: number; headers: Record<string, string>; pieces: AsyncIterable<string | null> }
  | 'cut';

/** One call that a provider makes when something has ended. */
export interface OutgoingCall {
  body: unknown;
  /** Beside the content type, for the body as it is sent. */
  sign?(raw: string): Record<string, string>;
}

/** What the frame refuses for every provider, each in its own envelope. */
export type Refusal = 'unauthorized' | 'no-credits' | 'no-such-path' | 'body-too-large' | 'rate-limited' | 'broken';

/** What the frame does for a dialect: take an order with the faults its prompt asks for, and find it again. */
export interface Desk {
  /** Accepts and bills the order, and answers with `toReply`, unless the prompt scripts something worse. */
  take(call: Call, order: Order, toReply: (task: Task) => Reply): Reply;
  /** The same for many orders of one request: all are taken, or none. */
  takeAll(call: Call, orders: readonly Order[], toReply: (tasks: Task[]) => Reply): Reply;
  /** The task, or null when it is unknown, older than 24 hours, or scripted to be lost. */
  find(id: string): Task | null;
}

/** One provider's wire format. It turns bodies into orders and tasks into bodies; all else is the frame's. */
export interface Dialect {
  /** Names the provider, and the mount: `/gptimage2`. */
  readonly slug: string;
  refuse(refusal: Refusal): Reply;
  answer(call: Call, desk: Desk): Reply | Promise<Reply>;
  /** What it calls back with when a task has ended, in this order. */
  callbacksOf(task: Task, origin: string): OutgoingCall[];
}

/** Where a task's picture is fetched. SIM: with `expired-url` each look signs a new address, which is expired too. */
export function getPictureUrl({ provider, id, format, directives }: Task, index: number, origin: string): string {
  const address = `${origin}/${provider}/files/${id}/${index}.${format}`;
  return directives.has('expired-url')
    ? `${address}?signed=${Math.floor(performance.now() * 1000).toString(36)}`
    : address;
}
