import type { Moment, Order, Task } from './task.ts';

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
  /** Aborts when the caller has left, or the sandbox stops. */
  signal: AbortSignal;
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

/** What a task is charged, in the unit of its dialect. */
export interface Bill {
  images: number;
  credits: number;
  refunded: boolean;
}

/** What the frame does for a dialect: take an order with the faults its prompt asks for, and find it again. */
export interface Desk {
  /** Accepts and bills the order, and answers with `toReply`, unless the prompt scripts something worse. */
  take(call: Call, order: Order, toReply: (task: Task) => Reply): Reply;
  /** The same for many orders of one request: all are taken, or none. */
  takeAll(call: Call, orders: readonly Order[], toReply: (tasks: Task[]) => Reply): Reply;
  /** The task, or null when it is unknown, older than 24 hours, or scripted to be lost. */
  find(id: string): Task | null;
  /** Whether an id is in use, even by a task scripted to be lost: for a provider whose callers choose the ids. */
  isTaken(id: string): boolean;
  /** The tasks of one group in the order they were taken, without those scripted to be lost; none when it is unknown. */
  findGroup(group: string): Task[];
  /** Every task of this provider that `find` could give, oldest first. Looks through all there are. */
  list(): Task[];
  /** What the tasks of the last 24 hours reserved, refunded or not. */
  spent(): number;
  /** The bytes behind the task's link, for a provider that can put them into its answer. */
  draw(task: Task, index: number): Promise<Buffer>;
}

/** One provider's wire format. It turns bodies into orders and tasks into bodies; all else is the frame's. */
export interface Dialect {
  /** Names the provider, and the mount: `/gptimage2`. */
  readonly slug: string;
  /** The largest body it reads, in bytes. Default 1 MiB. */
  readonly mostBodyBytes?: number;
  /** What it counts money in. Default `credits`. */
  readonly unit?: 'USD' | 'images';
  /** The key, where a body may carry it instead of the header. */
  findKey?(body: string): string | null;
  /** As how many requests of a minute one counts. Default 1. */
  weigh?(body: string): number;
  /** `waitS`: the seconds until it would be taken, for a provider that says so in words. */
  refuse(refusal: Refusal, waitS?: number): Reply;
  answer(call: Call, desk: Desk): Reply | Promise<Reply>;
  /** What it calls back with when a task has ended, in this order. */
  callbacksOf(task: Task, origin: string): OutgoingCall[];
  /** Answers a prompt that it will not draw. Absent: the task is accepted and fails at the end. */
  moderate?(): Reply;
  /** Absent: as reserved while it runs, as delivered when it has ended, refunded when it has failed. */
  charge?(task: Task, moment: Moment): Bill;
}

/** For a dialect that takes pictures inside its requests. */
export const DATA_URI_BODY_BYTES = 64 * 1024 * 1024;

/** Where a task's picture is fetched. SIM: with `expired-url` each look signs a new address, which is expired too. */
export function getPictureUrl(task: Task, index: number, origin: string, format = task.format): string {
  const { provider, id, directives } = task;
  const address = `${origin}/${provider}/files/${id}/${index}.${format}`;
  return directives.has('expired-url')
    ? `${address}?signed=${Math.floor(performance.now() * 1000).toString(36)}`
    : address;
}
