import { setTimeout as sleep } from 'node:timers/promises';
import type { Sql, TransactionSql } from 'postgres';
import { Busy, createTurns } from '../turns.ts';
import { type Client, openClient } from './client.ts';
import { type Limits, settingsOf } from './limits.ts';
import { outlast } from './outlast.ts';
import { transact } from './transact.ts';
import { isReadOnly, isUnavailable, unavailable } from './unavailable.ts';
import { within } from './within.ts';

const PATIENCE_MS = 5_000;
const CONNECT_MS = 5_000;
const LONGEST_PAUSE_MS = 500;
/** A younger session that may only read is kept: the next one could not write either. */
const READ_ONLY_FOR_MS = 1_000;

export interface PoolOptions {
  max: number;
  /** Named prepared statements; not through a pooler. */
  prepare: boolean;
  /** Without them, whoever asks waits for as long as it takes. */
  limits?: Limits;
}

/** A pool of connections that outlives the loss of any of them. */
export interface Pool {
  sql: Sql;
  /** Waits up to 5 s for statements that run. */
  stop(): Promise<void>;
}

interface Seat {
  client: Client;
  openedAt: number;
  /** Whoever has it keeps it; nobody gets it after that. */
  isStale: boolean;
}

/**
 * Each statement and each transaction has a connection to itself: a postgres.js client with room for one, which is not
 * used again once it was lost, silent or demoted. A client with room for many puts statements behind slow ones, lets them
 * wait for ever where none is free, and keeps connections that never write again (porsager/postgres#1168).
 */
export function createPool(url: string, { max, prepare, limits }: PoolOptions): Pool {
  const takeTurn = createTurns(max, limits?.waitMs);
  const ended = openEnded(url);
  const seats = new Set<Seat>();
  const running = new Set<Promise<unknown>>();
  const leaving = new Set<Promise<void>>();
  let idle: Seat[] = [];
  let failures = 0;
  let stopping = false;

  function run<T>(work: (client: Client) => Promise<T>): Promise<T> {
    const done = takeTurn(() => (stopping ? work(ended) : workSeated(work))).catch((error: unknown) => {
      if (!(error instanceof Busy)) throw error;
      throw unavailable('NO_CONNECTION_FREE', `no connection to the database was free within ${limits?.waitMs} ms`);
    });
    const over = done.catch(() => {}).finally(() => running.delete(over));
    running.add(over);
    return done;
  }

  async function workSeated<T>(work: (client: Client) => Promise<T>): Promise<T> {
    const seat = idle.pop() ?? (await open());
    try {
      return await outlast(work(seat.client), seat.client.lost, limits?.answerMs);
    } catch (error) {
      if (isReadOnly(error)) outdate();
      else if (isUnavailable(error)) seat.isStale = true;
      throw error;
    } finally {
      if (seat.isStale) leave(seat);
      else if (seats.has(seat)) idle.push(seat);
    }
  }

  /** The more attempts have failed in a row, the longer the pause before this one. */
  async function open(): Promise<Seat> {
    if (failures > 0) await sleep(Math.min(3 ** failures, LONGEST_PAUSE_MS));
    const client = openClient(url, { prepare });
    // What drizzle put there.
    Object.assign(client.sql.options.parsers, ended.sql.options.parsers);
    Object.assign(client.sql.options.serializers, ended.sql.options.serializers);
    const seat = { client, openedAt: performance.now(), isStale: false };
    seats.add(seat);
    client.lost.addEventListener('abort', () => leave(seat));
    // Settings of a session would outlive it at a pooler.
    const hello = limits && prepare ? settingsOf(limits) : 'select 1';
    try {
      await outlast(client.sql.unsafe(hello), client.lost, CONNECT_MS);
      failures = 0;
      return seat;
    } catch (error) {
      failures += 1;
      leave(seat);
      throw error;
    }
  }

  function leave(seat: Seat): void {
    if (!seats.delete(seat)) return;
    idle = idle.filter((each) => each !== seat);
    const left = seat.client.end().finally(() => leaving.delete(left));
    leaving.add(left);
  }

  /** The server may write no more, and may have a successor under the same name. */
  function outdate(): void {
    for (const seat of seats) {
      if (performance.now() - seat.openedAt > READ_ONLY_FOR_MS) seat.isStale = true;
    }
    for (const seat of idle.filter(({ isStale }) => isStale)) leave(seat);
  }

  /** Begins a moment later, so that whoever asks can say that it wants the rows as lists, as drizzle does. */
  function unsafe(...args: Parameters<Sql['unsafe']>) {
    let asLists = false;
    const rows = Promise.resolve().then(() =>
      run(({ sql }) => (asLists ? sql.unsafe(...args).values() : sql.unsafe(...args))),
    );
    return Object.assign(rows, {
      values() {
        asLists = true;
        return rows;
      },
    });
  }

  const begin = (work: (tx: TransactionSql) => Promise<unknown>) => run((client) => transact(client, ended.sql, work));

  return {
    sql: new Proxy(ended.sql, {
      get: (sql, name) => (name === 'unsafe' ? unsafe : name === 'begin' ? begin : Reflect.get(sql, name)),
    }),
    async stop() {
      stopping = true;
      // Not left to postgres.js, which also waits for statements whose connection was lost under them.
      await within(PATIENCE_MS, Promise.all(running));
      for (const seat of seats) leave(seat);
      await Promise.all(leaving);
    },
  };
}

/** A client that refuses every statement, in the form in which postgres.js refuses one. */
function openEnded(url: string): Client {
  const client = openClient(url, { prepare: false });
  void client.end();
  return client;
}
