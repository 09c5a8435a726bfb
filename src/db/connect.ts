import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import type { Logger } from '../logger.ts';
import { listen } from './listen.ts';
import { createPool, type Pool } from './pool.ts';
import * as schema from './schema.ts';
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
  /** The payload has at most 7,999 bytes and does not start with "beat ". */
  notify(channel: string, payload: string): Promise<void>;
  /** One round trip on a connection that queries cannot keep busy; throws when there is no answer within 5 s. */
  ping(): Promise<void>;
  /** Waits up to 5 s for statements that run, then ends every connection. */
  stop(): Promise<void>;
}

/** Opens no connection by itself: each is made when it is first needed, and again when it was lost. */
export function connect({
  url,
  directUrl,
  log,
  max = 10,
}: {
  url: string;
  directUrl: string;
  log: Logger;
  max?: number;
}): Connection {
  const prepare = url === directUrl;
  const pool = createPool(url, { max, prepare });
  // Its own small pool: hints and pings do not wait behind queries.
  const side = createPool(url, { max: 2, prepare });
  const listeners = new Set<{ stop(): Promise<void> }>();

  const notify = async (channel: string, payload: string) => {
    await side.sql.unsafe('select pg_notify($1, $2)', [channel, payload]);
  };

  return {
    db: drizzle(pool.sql, { schema }),
    notify,
    async listen(channel, onMessage, onUp) {
      const listener = await listen({ url: directUrl, channel, onMessage, onUp, notify, log });
      listeners.add(listener);
      return {
        async stop() {
          listeners.delete(listener);
          await listener.stop();
        },
      };
    },
    ping: () => ping(side),
    async stop() {
      await Promise.all([...listeners].map((listener) => listener.stop()));
      await Promise.all([pool.stop(), side.stop()]);
    },
  };
}

async function ping({ sql }: Pool): Promise<void> {
  if (await within(5_000, sql.unsafe('select 1'))) return;
  throw Object.assign(new Error('the database did not answer in time'), { code: 'ETIMEDOUT' });
}
