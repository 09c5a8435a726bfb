import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../logger.ts';
import { openClient } from './client.ts';
import { within } from './within.ts';

/** A half-open connection says nothing, so every 5 s we ask to hear ourselves, and have 5 s to hear it. */
const BEAT_MS = 5_000;
const RETRY_MS = 1_000;
const OPEN_MS = 10_000;

export interface Listening {
  /** A direct connection: LISTEN belongs to a session, which poolers share out. */
  url: string;
  channel: string;
  onMessage(payload: string): void;
  /** After every (re)connection: anything may have been missed before it. */
  onUp(): void;
  notify(channel: string, payload: string): Promise<void>;
  log: Logger;
}

/** Listens until stopped, across lost connections. Resolves after the first attempt, and goes on trying if that failed. */
export async function listen(listening: Listening): Promise<{ stop(): Promise<void> }> {
  const stopping = new AbortController();
  const ear = new Ear(listening);
  await ear.open();
  const run = keepHearing(ear, listening, stopping.signal);
  return {
    async stop() {
      stopping.abort();
      await ear.close();
      await run;
    },
  };
}

async function keepHearing(ear: Ear, { log, channel }: Listening, stopping: AbortSignal): Promise<void> {
  const pause = (ms: number) => sleep(ms, undefined, { signal: stopping }).catch(() => {});
  while (!stopping.aborted) {
    const asked = performance.now();
    const sent = ear.isOpen && (await ear.beat());
    await pause(ear.isOpen ? BEAT_MS : RETRY_MS);
    // A beat that could not be sent tells nothing: postgres.js reconnects by itself.
    const deaf = !ear.isOpen || (sent && ear.heardAt < asked);
    if (stopping.aborted || !deaf) continue;
    log.warn({ channel }, 'the listening database connection went silent; opening a new one');
    await ear.close();
    if (!stopping.aborted) await ear.open();
  }
}

/** One client that listens. */
class Ear {
  heardAt = 0;
  isOpen = false;
  private readonly token = `beat ${randomUUID()}`;
  private readonly listening: Listening;
  private end: () => Promise<void> = async () => {};

  constructor(listening: Listening) {
    this.listening = listening;
  }

  async open(): Promise<void> {
    const client = openClient(this.listening.url, { max: 1, prepare: false });
    this.end = () => client.end(0);
    const listens = client.sql.listen(this.listening.channel, this.hear, this.rise);
    this.isOpen = await within(OPEN_MS, listens).catch((error) => {
      this.listening.log.warn({ err: error }, 'cannot listen to the database');
      return false;
    });
  }

  async close(): Promise<void> {
    this.isOpen = false;
    await this.end();
  }

  async beat(): Promise<boolean> {
    return this.listening.notify(this.listening.channel, this.token).then(
      () => true,
      () => false,
    );
  }

  private readonly hear = (payload: string) => {
    this.heardAt = performance.now();
    // Every process hears the beats of all; only what is no beat is news.
    if (!payload.startsWith('beat ')) this.listening.onMessage(payload);
  };

  private readonly rise = () => {
    this.heardAt = performance.now();
    this.listening.onUp();
  };
}
