import { eq, sql } from 'drizzle-orm';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { type Connection, connect } from '../../src/db/connect.ts';
import { newId } from '../../src/db/id.ts';
import { apiKeys, workspaces } from '../../src/db/schema.ts';
import { isUnavailable } from '../../src/db/unavailable.ts';
import { createTestDatabase } from '../database.ts';
import { startProxy } from './proxy.ts';

const log = pino({ level: 'silent' });
let database: Awaited<ReturnType<typeof createTestDatabase>>;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

test('a listener hears what another connection notifies, and nothing else', async () => {
  const heard: string[] = [];
  const listener = open();
  await listener.listen(
    'news',
    (payload) => heard.push(payload),
    () => {},
  );
  await open().notify('other', 'not for us');
  await open().notify('news', 'for us');
  await expect.poll(() => heard).toEqual(['for us']);
});

test('after every backend was terminated, queries are answered again and the listener was told', async () => {
  const connection = open();
  const heard: string[] = [];
  let ups = 0;
  await connection.listen(
    'news',
    (payload) => heard.push(payload),
    () => ups++,
  );
  await Promise.all([1, 2, 3].map(() => connection.db.execute(sql`select pg_sleep(0.05)`)));
  expect(ups).toBe(1);
  await terminateOthers();
  await expect.poll(() => ask(connection), { timeout: 5000 }).toBe('answered');
  await expect.poll(() => ups, { timeout: 5000 }).toBe(2);
  await connection.notify('news', 'afterwards');
  await expect.poll(() => heard).toEqual(['afterwards']);
});

test('terminating the backends under load, again and again, never ends the process nor leaves the pool sick', async () => {
  const connection = open();
  const working = new AbortController();
  const outcomes = new Set<string>();
  const workers = Array.from({ length: 20 }, async (_, index) => {
    while (!working.signal.aborted) outcomes.add(await (index % 2 ? ask(connection) : askInTransaction(connection)));
  });
  for (let round = 0; round < 20; round++) {
    await terminateOthers();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  working.abort();
  await Promise.all(workers);
  expect([...outcomes].sort()).toEqual(['answered', 'unavailable']);
  const begun = performance.now();
  expect(await Promise.all(Array.from({ length: 20 }, () => ask(connection)))).toEqual(Array(20).fill('answered'));
  expect(performance.now() - begun).toBeLessThan(2000);
});

test('a transaction that lost its connection writes nothing more, and is rejected as unavailable', async () => {
  // One connection only, so that its successor is the one the next statement of the transaction would go out on.
  const connection = open(1);
  const id = newId('wsp');
  let late: Promise<string> | undefined;
  const lost = connection.db.transaction(async (tx) => {
    await tx.execute(sql`select 1`);
    await terminateOthers();
    await expect.poll(() => ask(connection)).toBe('answered');
    late = tx
      .insert(workspaces)
      .values({ id, name: id })
      .then(() => 'written', describe);
    await late;
  });
  expect(await lost.then(() => 'committed', describe)).toBe('unavailable');
  await expect.poll(() => late).toBe('unavailable');
  expect(await connection.db.select().from(workspaces).where(eq(workspaces.id, id))).toEqual([]);
});

test('a query sent again in the moment its connection is reset is not lost in it', async () => {
  const proxy = await startProxy(database.url);
  onTestFinished(() => proxy.stop());
  const connection = connect({ url: proxy.url, directUrl: proxy.url, log, max: 1 });
  onTestFinished(() => connection.stop());
  const observer = open(1);
  for (let round = 0; round < 3; round++) {
    // Told apart by its name: the backend of the last round does not know yet that nobody listens.
    const statement = `select pg_sleep(10) as round_${round}`;
    const sleeping = connection.db.execute(sql.raw(statement));
    const again = sleeping.then(
      () => 'slept',
      () => ask(connection),
    );
    await expect.poll(() => isRunning(observer, statement), { timeout: 5000 }).toBe(true);
    proxy.reset();
    expect(await again).toMatch(/answered|unavailable/);
    await expect.poll(() => ask(connection), { timeout: 7000 }).toBe('answered');
  }
});

test('a statement that fails in a transaction undoes it and leaves the connection fit for use', async () => {
  const connection = open(1);
  const id = newId('wsp');
  const failed = connection.db.transaction(async (tx) => {
    await tx.insert(workspaces).values({ id, name: id });
    await tx.transaction((inner) => inner.execute(sql`select 1 / 0`)).catch(() => {});
    await tx.execute(sql`select 1 / 0`);
  });
  await expect(failed).rejects.toMatchObject({ cause: { code: '22012' } });
  expect(await connection.db.select().from(workspaces).where(eq(workspaces.id, id))).toEqual([]);
});

test('lists of text come back as they were written, commas and quotes too', async () => {
  const { db } = open();
  const [workspaceId, scopes] = [newId('wsp'), ['a,b', '"quoted"', '', 'null', '{x}']];
  await db.insert(workspaces).values({ id: workspaceId, name: workspaceId });
  const key = { id: newId('key'), workspaceId, name: 'n', prefix: 'p', hash: workspaceId, mode: 'TEST', scopes };
  await db.insert(apiKeys).values(key);
  const [read] = await db.select().from(apiKeys).where(eq(apiKeys.id, key.id));
  expect(read?.scopes).toEqual(scopes);
});

test('a listening connection that went silent is noticed and replaced', async () => {
  const proxy = await startProxy(database.url);
  onTestFinished(() => proxy.stop());
  const connection = open(10, proxy.url);
  const heard: string[] = [];
  let ups = 0;
  await connection.listen(
    'news',
    (payload) => heard.push(payload),
    () => ups++,
  );
  proxy.freeze();
  await expect.poll(() => ups, { timeout: 15_000 }).toBe(2);
  await connection.notify('news', 'afterwards');
  await expect.poll(() => heard).toEqual(['afterwards']);
});

test('a ping of a database that is not there says so, and a stop does not wait for it', async () => {
  const connection = connect({ url: 'postgres://u:p@127.0.0.1:1/d', directUrl: 'postgres://u:p@127.0.0.1:1/d', log });
  let ups = 0;
  await connection.listen(
    'news',
    () => {},
    () => ups++,
  );
  expect(await connection.ping().then(() => 'answered', describe)).toBe('unavailable');
  const begun = performance.now();
  await connection.stop();
  expect(performance.now() - begun).toBeLessThan(1000);
  expect(ups).toBe(0);
});

test('a mistake in a statement is not taken for an unavailable database', async () => {
  expect(
    await open()
      .db.execute(sql`select nothing`)
      .then(() => 'answered', describe),
  ).not.toBe('unavailable');
});

function open(max = 10, directUrl = database.url): Connection {
  const connection = connect({ url: database.url, directUrl, log, max });
  onTestFinished(() => connection.stop());
  return connection;
}

async function ask({ db }: Connection): Promise<string> {
  return db.execute(sql`select 1`).then(() => 'answered', describe);
}

async function askInTransaction({ db }: Connection): Promise<string> {
  const work = db.transaction(async (tx) => {
    await tx.execute(sql`select 1`);
    await new Promise((resolve) => setTimeout(resolve, 2));
    await tx.transaction((inner) => inner.execute(sql`select 2`));
  });
  return work.then(() => 'answered', describe);
}

function describe(error: unknown): string {
  return isUnavailable(error) ? 'unavailable' : String(error);
}

/** Whether a backend of this file's database is at this statement. */
async function isRunning({ db }: Connection, statement: string): Promise<boolean> {
  const [row] = await db.execute(
    sql`select exists (select from pg_stat_activity where datname = current_database() and state = 'active' and query = ${statement}) as running`,
  );
  return row?.running === true;
}

/** Ends every backend of this file's database but the one that does it. */
async function terminateOthers(): Promise<void> {
  const admin = connect({ url: database.url, directUrl: database.url, log, max: 1 });
  await admin.db.execute(
    sql`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
  );
  await admin.stop();
}
