import { sql } from 'drizzle-orm';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { type Connection, type ConnectOptions, connect } from '../../src/db/connect.ts';
import { isUnavailable } from '../../src/db/unavailable.ts';
import { createTestDatabase } from '../database.ts';
import { startProxy } from './proxy.ts';

const log = pino({ level: 'silent' });
const QUICK = { waitMs: 300, answerMs: 500 };
const PATIENT = { waitMs: 5_000, answerMs: 20_000 };

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let observer: Connection;
beforeAll(async () => {
  database = await createTestDatabase();
  observer = connect({ url: database.url, directUrl: database.url, log, max: 2 });
  await observer.db.execute(sql`create table kept (id int primary key, seen int)`);
});
afterAll(async () => {
  await observer.stop();
  await database.drop();
});

test('where no connection is free one waits no longer than the limit, pings are answered, and all is well after', async () => {
  const connection = open({ max: 2, limits: { waitMs: 300, answerMs: 5_000 } });
  const sleeping = [1, 2].map(() => told(connection.db.execute(sql`select pg_sleep(1)`)));
  const { code, ms } = await timed(ask(connection));
  expect(code).toBe('NO_CONNECTION_FREE');
  expect(ms).toBeLessThan(900);
  await connection.ping();
  await Promise.all(sleeping);
  expect(await ask(connection)).toBe('answered');
});

test('a statement that is stuck behind a lock is given up by client and server alike, and the next one is served', async () => {
  const connection = open({ max: 1, limits: QUICK });
  const { stuck, left } = await observer.db.transaction(async (tx) => {
    await tx.execute(sql`lock table kept`);
    const stuck = await timed(told(connection.db.execute(sql`insert into kept values (1)`)));
    const [row] = await tx.execute<{ left: number }>(sql`
      select count(*)::int as left from pg_stat_activity
      where datname = current_database() and query like 'insert into kept%' and state = 'active'`);
    return { stuck, left: row?.left };
  });
  expect([stuck.code, left]).toEqual(['57014', 0]);
  expect(stuck.ms).toBeLessThan(1_500);
  expect(await ask(connection)).toBe('answered');
  expect(await listKept()).toEqual([]);
});

test('a transaction of many quick statements has one limit for all of them, and leaves nothing behind', async () => {
  const connection = open({ max: 1, limits: QUICK });
  const endless = connection.db.transaction(async (tx) => {
    await tx.execute(sql`insert into kept values (2)`);
    for (;;) await tx.execute(sql`select pg_sleep(0.1)`);
  });
  const { code, ms } = await timed(told(endless));
  expect(code).toBe('NO_ANSWER');
  expect(ms).toBeLessThan(1_500);
  expect(await ask(connection)).toBe('answered');
  await expect.poll(listKept).toEqual([]);
});

test('on connections that went silent each statement ends at its limit, and the next goes over a new connection', async () => {
  const { proxy, connection } = await openByProxy({ max: 3, limits: QUICK });
  await Promise.all([1, 2, 3].map(() => connection.db.execute(sql`select pg_sleep(0.05)`)));
  proxy.freeze();
  const given = await Promise.all([1, 2, 3].map(() => timed(ask(connection))));
  expect(given.map(({ code }) => code)).toEqual(['NO_ANSWER', 'NO_ANSWER', 'NO_ANSWER']);
  for (const { ms } of given) expect(ms).toBeLessThan(1_500);
  const after = await timed(Promise.all([1, 2, 3].map(() => ask(connection))));
  expect(after.code).toEqual(['answered', 'answered', 'answered']);
  expect(after.ms).toBeLessThan(1_000);
});

test('whoever goes silent amid a transaction does not keep its locks', async () => {
  const { proxy, connection } = await openByProxy({ max: 1, limits: QUICK });
  const frozen = connection.db.transaction(async (tx) => {
    await tx.execute(sql`lock table kept`);
    proxy.freeze();
    await tx.execute(sql`select 1`);
  });
  expect(await told(frozen)).toBe('NO_ANSWER');
  const other = open({ limits: PATIENT });
  const { code, ms } = await timed(told(other.db.execute(sql`lock table kept; select 1`)));
  expect(code).toBe('answered');
  expect(ms).toBeLessThan(3_000);
});

test('a ping over silent connections fails within its time, and the ones after it are answered', async () => {
  const { proxy, connection } = await openByProxy({});
  await connection.ping();
  proxy.freeze();
  const { code, ms } = await timed(told(connection.ping()));
  expect(code).toBe('NO_ANSWER');
  expect(ms).toBeLessThan(4_000);
  await connection.ping();
});

test('sessions that may only read refuse to write as unavailable, still read, and give way to ones that may write', async () => {
  const connection = open({ max: 3 });
  const write = () => told(connection.db.execute(sql`insert into kept values (3) on conflict do nothing`));
  await setReadOnly('on');
  expect(await write()).toBe('25006');
  expect(await Promise.all([1, 2, 3].map(() => ask(connection)))).toEqual(['answered', 'answered', 'answered']);
  await setReadOnly('off');
  await expect.poll(write, { timeout: 3_000 }).toBe('answered');
  await expect
    .poll(async () => Promise.all([1, 2, 3].map(write)), { timeout: 3_000 })
    .toEqual(Array(3).fill('answered'));
});

test.each([
  ['BEFORE', []],
  ['AFTER', [4]],
] as const)(
  'a connection lost %s the COMMIT is unavailable: what became of it is for the caller to look up',
  async (when, kept) => {
    const { proxy, connection } = await openByProxy({ max: 1 });
    onTestFinished(async () => void (await observer.db.execute(sql`delete from kept`)));
    await observer.db.execute(sql`delete from kept`);
    proxy.cutAtCommit(when);
    const writing = connection.db.transaction(async (tx) => void (await tx.execute(sql`insert into kept values (4)`)));
    expect([await told(writing), proxy.cuts]).toEqual(['CONNECTION_CLOSED', 1]);
    expect(await listKept()).toEqual(kept);
    expect(await ask(connection)).toBe('answered');
  },
);

test('a proxy that closes each new connection at once is unavailable at once', async () => {
  const proxy = await startProxy('postgres://u:p@127.0.0.1:1/d');
  onTestFinished(() => proxy.stop());
  const { code, ms } = await timed(ask(open({ url: proxy.url, directUrl: proxy.url })));
  expect(code).toBe('CONNECTION_CLOSED');
  expect(ms).toBeLessThan(1_000);
});

function open(options: Partial<ConnectOptions> = {}): Connection {
  const connection = connect({ url: database.url, directUrl: database.url, log, ...options });
  onTestFinished(() => connection.stop());
  return connection;
}

/** Without named statements, so that each COMMIT can be seen from outside. */
async function openByProxy(options: Partial<ConnectOptions>) {
  const proxy = await startProxy(database.url);
  onTestFinished(() => proxy.stop());
  return { proxy, connection: open({ url: proxy.url, directUrl: proxy.url, ...options }) };
}

/** The default of every session of this database that begins from now on. */
async function setReadOnly(word: 'on' | 'off'): Promise<void> {
  const name = new URL(database.url).pathname.slice(1);
  await observer.db.transaction(async (tx) => {
    await tx.execute(sql`set transaction read write`);
    await tx.execute(sql.raw(`alter database ${name} set default_transaction_read_only = ${word}`));
  });
}

async function listKept(): Promise<number[]> {
  const rows = await observer.db.execute<{ id: number }>(sql`select id from kept order by id`);
  return rows.map(({ id }) => id);
}

function ask({ db }: Connection): Promise<string> {
  return told(db.execute(sql`select 1`));
}

/** The code of what kept it from happening, if the service takes that for an unavailable database. */
function told(work: Promise<unknown>): Promise<string> {
  return work.then(() => 'answered', describe);
}

function describe(error: unknown): string {
  if (!isUnavailable(error)) return String(error);
  const cause = error instanceof Error && !('code' in error) ? error.cause : error;
  return String((cause as { code: string }).code);
}

async function timed<T>(work: Promise<T>): Promise<{ code: T; ms: number }> {
  const begun = performance.now();
  const code = await work;
  return { code, ms: performance.now() - begun };
}
