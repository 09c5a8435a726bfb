import type { Logger } from '../logger.ts';
import { type Client, openClient } from './client.ts';
import { outlast } from './outlast.ts';

/** A half-open connection says nothing, so it is asked this often and has 4 s to answer: known within 6 s. */
const BEAT_MS = 2_000;
const ANSWER_MS = 4_000;
const RETRY_MS = 1_000;

export interface Listening {
  /** A direct connection: LISTEN belongs to a session, which poolers share out. */
  url: string;
  channel: string;
  onMessage(payload: string): void;
  /** After every (re)connection: anything may have been missed before it. */
  onUp(): void;
  log: Logger;
}

/** Listens until stopped, across lost connections. Resolves after the first attempt, and goes on trying if that failed. */
export async function listen({ url, channel, onMessage, onUp, log }: Listening): Promise<{ stop(): Promise<void> }> {
  let client: Client;
  let stopped = false;
  let endNap = () => {};

  async function open(): Promise<boolean> {
    client = openClient(url, { prepare: false, onNotify: onMessage });
    client.lost.addEventListener('abort', () => endNap());
    try {
      await outlast(client.sql.unsafe(`listen "${channel}"`), client.lost, ANSWER_MS);
    } catch (error) {
      if (!stopped) log.warn({ err: error, channel }, 'cannot listen to the database; trying again');
      // Before the nap, which a loss would cut short.
      await client.end();
      return false;
    }
    onUp();
    return true;
  }

  async function keepHearing(opened: boolean): Promise<void> {
    for (let hears = opened; ; ) {
      await nap(hears ? BEAT_MS : RETRY_MS);
      if (stopped) return;
      if (hears && (await answers(client))) continue;
      if (hears && !stopped) log.warn({ channel }, 'the listening database connection is lost; opening a new one');
      await client.end();
      if (stopped) return;
      hears = await open();
    }
  }

  function nap(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      endNap = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  const run = keepHearing(await open());
  return {
    async stop() {
      stopped = true;
      endNap();
      await client.end();
      await run;
    },
  };
}

/** Asked in the session that listens: of another one an answer would tell nothing. */
async function answers({ sql, lost }: Client): Promise<boolean> {
  if (lost.aborted) return false;
  return outlast(sql.unsafe('select 1'), lost, ANSWER_MS).then(
    () => true,
    () => false,
  );
}
