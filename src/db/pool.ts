import type { Sql, TransactionSql } from 'postgres';
import { type Client, type ClientOptions, openClient } from './client.ts';
import { transact } from './transact.ts';
import { within } from './within.ts';

const PATIENCE_SECONDS = 5;

/** A pool of connections that outlives the loss of any of them. */
export interface Pool {
  sql: Sql;
  /** Waits up to 5 s for statements that run. */
  stop(): Promise<void>;
}

/**
 * A postgres.js client that is replaced when it is sick. In 3.4.9 a connection that dies with a write buffered never writes
 * again (porsager/postgres#1168; seen here when all backends were terminated under load): every later statement on it
 * waits for 5 s and answers CONNECT_TIMEOUT.
 */
export function createPool(url: string, options: ClientOptions): Pool {
  let client = openClient(url, options);
  const ended = openEnded(url, options);
  const running = new Set<Promise<unknown>>();
  const leaving = new Set<Promise<void>>();
  let stopping = false;

  function watch<T extends Promise<unknown>>(work: T, of: Client): T {
    const watched = work
      .catch((error) => {
        if (isSick(of, error?.code) && of === client) replace();
      })
      .finally(() => running.delete(watched));
    running.add(watched);
    return work;
  }

  function replace(): void {
    const old = client;
    client = openClient(url, options);
    // What drizzle put there.
    Object.assign(client.sql.options.parsers, old.sql.options.parsers);
    Object.assign(client.sql.options.serializers, old.sql.options.serializers);
    const left = old.end(PATIENCE_SECONDS).finally(() => leaving.delete(left));
    leaving.add(left);
  }

  const unsafe: Sql['unsafe'] = (...args) =>
    stopping ? ended.unsafe(...args) : watch(client.sql.unsafe(...args), client);
  const begin = (run: (tx: TransactionSql) => Promise<unknown>) =>
    watch(transact(stopping ? ended : client.sql, ended, run), client);

  return {
    sql: new Proxy(client.sql, {
      get: (_, name) => (name === 'unsafe' ? unsafe : name === 'begin' ? begin : Reflect.get(client.sql, name)),
    }),
    async stop() {
      stopping = true;
      // Not left to postgres.js, which also waits for statements whose connection was lost under them.
      await within(PATIENCE_SECONDS * 1000, Promise.all(running));
      await Promise.all([client.end(0), ...leaving]);
    },
  };
}

/** Under TLS `sockets.ts` cannot join error and close, so that a reset leaves a connection that may mix up its answers. */
function isSick({ sql }: Client, code: unknown): boolean {
  if (code === 'CONNECT_TIMEOUT') return true;
  return Boolean(sql.options.ssl) && (code === 'ECONNRESET' || code === 'EPIPE' || code === 'ETIMEDOUT');
}

/** A client that refuses every statement, in the form in which postgres.js refuses one. */
function openEnded(url: string, options: ClientOptions): Sql {
  const { sql, end } = openClient(url, options);
  void end(0);
  return sql;
}
