import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import type { Logger } from '../logger.ts';
import { CALLERS, type Limits, SIDE } from './limits.ts';
import { listen } from './listen.ts';
import { createPool } from './pool.ts';
import * as schema from './schema.ts';
import { unavailable } from './unavailable.ts';
import { within } from './within.ts';

export type Database = PostgresJsDatabase<typeof schema>;

/** What `db.transaction` hands to its callback. */
export type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0];

/** The database as the process holds it: queries, hints, and whether it answers. */
export interface Connection {
  db: Database;
  /**
   * Hears the channel until stopped, across lost connections. `onUp` after each (re)connection: anything may have changed.
   * Resolves after the first attempt, and goes on trying if that failed.
   */
  listen(channel: string, onMessage: (payload: string) => void, onUp: () => void): Promise<{ stop(): Promise<void> }>;
  /** The payload has at most 7,999 bytes. */
  notify(channel: string, payload: string): Promise<void>;
  /** One round trip on a connection that queries cannot keep busy; throws when there is no answer within 3 s. */
  ping(): Promise<void>;
  /** Waits up to 5 s for statements that run, then ends every connection. */
  stop(): Promise<void>;
}

export interface ConnectOptions {
  url: string;
  directUrl: string;
  log: Logger;
  max?: number;
  limits?: Limits;
}

/**
 * Opens no connection by itself: each is made when it is first needed, and again when it was lost. What the database
 * cannot do within the limits is rejected with an error that `isUnavailable` knows.
 */
export function connect({ url, directUrl, log, max = 10, limits = CALLERS }: ConnectOptions): Connection {
  const prepare = url === directUrl;
  const pool = createPool(url, { max, prepare, limits });
  // Its own small pool: hints and pings do not wait behind queries.
  const side = createPool(url, { max: 2, prepare, limits: SIDE });
  const listeners = new Set<{ stop(): Promise<void> }>();

  const notify = async (channel: string, payload: string) => {
    await side.sql.unsafe('select pg_notify($1, $2)', [channel, payload]);
  };

  return {
    db: drizzle(pool.sql, { schema }),
    notify,
    async listen(channel, onMessage, onUp) {
      const listener = await listen({ url: directUrl, channel, onMessage, onUp, log });
      listeners.add(listener);
      return {
        async stop() {
          listeners.delete(listener);
          await listener.stop();
        },
      };
    },
    async ping() {
      if (await within(SIDE.answerMs, side.sql.unsafe('select 1'))) return;
      throw unavailable('NO_ANSWER', 'the database did not answer a ping in time');
    },
    async stop() {
      await Promise.all([...listeners].map((listener) => listener.stop()));
      await Promise.all([pool.stop(), side.stop()]);
    },
  };
}
