import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Connection } from '../db/connect.ts';
import type { Logger } from '../logger.ts';

const CHANNEL = 'darkroom';
/** PostgreSQL refuses a payload of 8,000 bytes and more, and aborts the transaction that sent it. */
const MOST_PAYLOAD_BYTES = 7_000;
/** What is past it waits for its poll; these fit into a payload beside "any of them". */
const MOST_NUDGED = 100;
/** NOTIFY takes an instance-wide lock at commit: per write 717 writes/s were measured, coalesced 15,730. */
const BETWEEN_NOTIFIES_MS = 20;

const WORK = ['submit', 'poll', 'collect', 'sequence'] as const;
export type Work = (typeof WORK)[number];

/** That something is new, never what it is: whoever hears it reads. Null means any of them. */
export interface Hint {
  generationIds: string[] | null;
  work: Work[];
  /** Workspaces whose feed has grown. */
  feeds: string[] | null;
  /** Tasks of which a provider has said that there is news; their next poll shall be soon. */
  nudged?: string[] | undefined;
}

export interface Hints {
  /** Call after the commit: listeners in this process hear it at once, other processes within some 20 ms. */
  give(hint: Hint): void;
  /** Returns the function that ends it. */
  on(listener: (hint: Hint) => void): () => void;
  start(): Promise<void>;
  stop(): Promise<void>;
}

const ANYTHING: Hint = { generationIds: null, work: [...WORK], feeds: null };

export function createHints(connection: Connection, log: Logger): Hints {
  const self = randomUUID();
  const listeners = new Set<(hint: Hint) => void>();
  let listening: { stop(): Promise<void> } | undefined;
  let waiting: Hint | undefined;
  let timer: NodeJS.Timeout | undefined;
  let sending: Promise<void> = Promise.resolve();

  function tell(hint: Hint): void {
    for (const listener of listeners) listener(hint);
  }

  function send(): void {
    const hint = waiting;
    waiting = undefined;
    timer = undefined;
    if (!hint) return;
    sending = connection
      .notify(CHANNEL, payloadOf(self, hint))
      .catch((error) => log.warn({ err: error }, 'a hint was not sent; other processes notice by their slow poll'));
    timer = setTimeout(send, BETWEEN_NOTIFIES_MS);
  }

  function hear(payload: string): void {
    const heard = parse(payload);
    if (!heard || heard.from === self) return;
    const { from: _, ...hint } = heard;
    tell(hint);
  }

  return {
    give(hint) {
      tell(hint);
      waiting = waiting ? merge(waiting, hint) : hint;
      if (!timer) send();
    },
    on(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async start() {
      listening = await connection.listen(CHANNEL, hear, () => tell(ANYTHING));
    },
    async stop() {
      clearTimeout(timer);
      send();
      clearTimeout(timer);
      await sending;
      await listening?.stop();
    },
  };
}

function merge(a: Hint, b: Hint): Hint {
  const nudged = union(a.nudged ?? [], b.nudged ?? []).slice(0, MOST_NUDGED);
  return {
    generationIds: union(a.generationIds, b.generationIds),
    work: union(a.work, b.work),
    feeds: union(a.feeds, b.feeds),
    ...(nudged.length > 0 && { nudged }),
  };
}

function union<T extends string[] | null>(a: T, b: T): T {
  return (a && b && [...new Set([...a, ...b])]) as T;
}

function payloadOf(from: string, hint: Hint): string {
  const payload = JSON.stringify({ from, ...hint });
  if (payload.length <= MOST_PAYLOAD_BYTES) return payload;
  const { work, nudged } = hint;
  return JSON.stringify({ from, generationIds: null, work, feeds: hint.feeds?.length === 0 ? [] : null, nudged });
}

/** Another release may say more than this one understands: what it does not know, it leaves out. */
const Payload = z.object({
  from: z.string(),
  generationIds: z.array(z.string()).nullable(),
  feeds: z.array(z.string()).nullable().default([]),
  work: z.array(z.string()).transform((names) => WORK.filter((name) => names.includes(name))),
  nudged: z.array(z.string()).optional(),
});

function parse(payload: string): z.infer<typeof Payload> | null {
  try {
    return Payload.parse(JSON.parse(payload));
  } catch {
    return null;
  }
}
