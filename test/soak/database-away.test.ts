import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startEmbedded } from '../../src/db/embedded/embedded.ts';
import { type DatabaseProxy, startProxy } from '../db/proxy.ts';
import { CREATE, type Created, create, listCharges, query, readUntil } from '../service/client.ts';
import { makeFolder } from '../service/folder.ts';
import { type Service, startService } from '../service/service.ts';
import { until } from '../service/until.ts';
import { updatesOf, watchBySse, watchByWebsocket } from '../service/watch.ts';

const CALLERS = 3;
const PACE_MS = 100;
const BACK_WITHIN_MS = 5_000;
/** Those of production are some times as long. */
const LIMITS = { callers: { waitMs: 700, answerMs: 1_500 }, own: { waitMs: 3_000, answerMs: 2_500 } };

const FOLLOW = `subscription($after: Cursor) {
  events(after: $after, filter: { types: [GENERATION_FINISHED] }) { status generation { id } }
}`;

let folder: Awaited<ReturnType<typeof makeFolder>>;
let server: Awaited<ReturnType<typeof startEmbedded>>;
let proxy: DatabaseProxy;
let service: Service;
/** What would have ended the process. */
const fatal: unknown[] = [];
const note = (error: unknown) => void fatal.push(error);

beforeAll(async () => {
  process.on('unhandledRejection', note).on('uncaughtException', note);
  folder = await makeFolder();
  server = await startEmbedded({ dataDir: folder.path, log: pino({ level: 'silent' }) });
  proxy = await startProxy(server.url);
  service = await startService({ DATABASE_URL: proxy.url }, { limits: LIMITS });
});
afterAll(async () => {
  await service?.stop();
  await proxy?.stop();
  await server?.stop();
  await folder?.remove();
  process.off('unhandledRejection', note).off('uncaughtException', note);
});

test.each<[name: string, signal: NodeJS.Signals]>([
  ['killed', 'SIGKILL'],
  ['restarted at once', 'SIGQUIT'],
])(
  'a database that is %s under load is UNAVAILABLE, then work goes on and nothing is lost or bought twice',
  async (name, signal) => {
    await provesHarmless(name, async () => {
      process.kill(await readPostmaster(), signal);
      await until(answers, (does) => !does);
    });
  },
);

test('all backends terminated again and again are UNAVAILABLE at worst, then work goes on and nothing is lost or bought twice', async () => {
  const resumed = await provesHarmless('terminated', async () => {
    for (let round = 0; round < 10; round += 1) {
      await terminateAll();
      await sleep(50);
    }
  });
  expect(resumed).toBeLessThan(2_000);
});

test('a database that may only be read answers reads, refuses creations as UNAVAILABLE, and is written again by itself', async () => {
  const { generation } = await create(service.url, { prompt: 'Boat [[slow=0]]' });
  await readUntil(service.url, generation.id);
  const resumed = await provesHarmless('demoted', async () => {
    await ask('alter database darkroom set default_transaction_read_only = on');
    await terminateAll();
    await until(
      () => order({ idempotencyKey: 'demoted while' }),
      ({ code }) => code === 'UNAVAILABLE',
    );
    const read = await query(service.url, `{ generation(id: "${generation.id}") { status } }`);
    expect(read.data).toEqual({ generation: { status: 'SUCCEEDED' } });
    await ask('alter database darkroom reset default_transaction_read_only');
  });
  expect(resumed).toBeLessThan(BACK_WITHIN_MS);
});

test('connections that went silent are UNAVAILABLE within the limits, then work goes on and nothing is lost or bought twice', async () => {
  const resumed = await provesHarmless('frozen', async () => {
    proxy.freeze();
    const begun = performance.now();
    expect(await order({ idempotencyKey: 'frozen while' })).toEqual({ code: 'UNAVAILABLE' });
    expect(performance.now() - begun).toBeLessThan(LIMITS.callers.waitMs + LIMITS.callers.answerMs + 1_000);
  });
  expect(resumed).toBeLessThan(BACK_WITHIN_MS);
});

test('callers who take up all connections are UNAVAILABLE in time, while health is answered and pictures come home', async () => {
  const { generation } = await create(service.url, { prompt: 'Boat [[slow=1]]' });
  const sql = postgres(server.url, { max: 1, onnotice: () => {} });
  onTestFinished(() => sql.end());
  await sql.begin(async (tx) => {
    // What every call needs and the worker never.
    await tx`lock table api_keys`;
    const begun = performance.now();
    const calls = Array.from({ length: 25 }, () => query(service.url, '{ viewer { workspace { id } } }'));
    const health = await Promise.all(['livez', 'readyz'].map((path) => fetch(`${service.url}/${path}`)));
    expect(health.map(({ status }) => status)).toEqual([200, 200]);
    const codes = (await Promise.all(calls)).map(({ errors }) => errors[0]?.extensions.code);
    expect(codes).toEqual(Array(25).fill('UNAVAILABLE'));
    expect(performance.now() - begun).toBeLessThan(LIMITS.callers.waitMs + LIMITS.callers.answerMs + 1_500);
    const status = () => ask(`select status from generations where id = '${generation.id}'`);
    await until(status, ([row]) => row?.status === 'SUCCEEDED');
  });
  await until(
    () => order({ idempotencyKey: 'exhausted after' }),
    ({ code }) => code === 'SUCCESS',
    1_000,
  );
});

/**
 * Orders by several callers at once, with a picture in the making, a watcher and a follower of the feed, all across the
 * fault. Answers how long after it the first order was taken, in milliseconds.
 */
async function provesHarmless(name: string, fault: () => Promise<void>): Promise<number> {
  const slow = { prompt: `Boat [[slow=3]] [[no-callback=${name}]]`, idempotencyKey: `${name} slow` };
  const made = await until(
    () => order(slow),
    ({ id }) => id !== undefined,
  );
  const watching = watchByWebsocket(service.url, { id: made.id });
  const { data } = await query<{ events: { cursor: string } }>(service.url, '{ events(first: 1) { cursor } }');
  const after = { after: data.events.cursor };
  const feed = watchBySse<{ events: { status: string; generation: { id: string } } }>(service.url, after, FOLLOW);
  onTestFinished(feed.leave);
  const load = startLoad(name);
  const deafBefore = countDeaf();
  // Each of them is open and at work before the fault.
  await until(
    () => Math.min(watching.messages.length, feed.messages.length, load.made.size - CALLERS),
    (least) => least > 0,
  );
  await fault();
  await until(answers, (does) => does);
  const resumed = await timed(() =>
    until(
      () => order({ idempotencyKey: `${name} after` }),
      ({ code }) => code === 'SUCCESS',
      BACK_WITHIN_MS,
    ),
  );
  await load.stop();

  expect([...load.codes].filter((code) => code !== 'SUCCESS' && code !== 'UNAVAILABLE')).toEqual([]);
  const ids = [...load.made.values(), made.id].sort();
  const unfinished = () => ask('select id, status from generations where finished_at is null');
  await until(unfinished, (rows) => rows.length === 0, 15_000);
  const rows = await ask(`select id, status from generations where prompt like '%${name}]]' order by id`);
  expect(rows).toEqual(ids.map((id) => ({ id, status: 'SUCCEEDED' })));
  const charges = await listCharges(service.sandboxUrl);
  expect(charges.filter(({ prompt }) => prompt.endsWith(`${name}]]`))).toHaveLength(ids.length);

  await watching.completed;
  expect(updatesOf(watching).at(-1)).toMatchObject({ final: true, generation: { status: 'SUCCEEDED' } });
  const told = () => feed.messages.map(({ data }) => data?.events.generation.id).filter((id) => ids.includes(id ?? ''));
  await until(told, (all) => all.length >= ids.length);
  expect(told().sort()).toEqual(ids);
  // Once a second, whatever the database says to it.
  expect(countDeaf() - deafBefore).toBeLessThan(10);
  expect(fatal).toEqual([]);
  return resumed;
}

/** Orders one picture after another, each until it is taken, always under its own key. */
function startLoad(name: string): { made: Map<string, string>; codes: Set<string>; stop(): Promise<void> } {
  const made = new Map<string, string>();
  const codes = new Set<string>();
  let stopped = false;
  async function call(caller: number): Promise<void> {
    for (let n = 0; !stopped; n += 1) {
      const idempotencyKey = `${name} ${caller} ${n}`;
      // Drawn from what is outside of the brackets: one picture for all.
      const input = { prompt: `Boat [[slow=0]] [[no-callback=${name}]]`, idempotencyKey };
      for (let isMade = false; !isMade; await sleep(PACE_MS)) {
        const { code, id } = await order(input);
        codes.add(code);
        if (id) made.set(idempotencyKey, id);
        isMade = made.has(idempotencyKey);
      }
    }
  }
  const calls = Promise.all(Array.from({ length: CALLERS }, (_, caller) => call(caller)));
  return {
    made,
    codes,
    async stop() {
      stopped = true;
      await calls;
    },
  };
}

async function order(input: { prompt?: string; idempotencyKey: string }): Promise<{ code: string; id?: string }> {
  const asked = { prompt: 'Boat [[slow=0]]', ...input };
  const { data, errors } = await query<{ createGeneration: Created } | null>(service.url, CREATE, { input: asked });
  const id = data?.createGeneration.generation?.id;
  return { code: errors[0]?.extensions.code ?? 'SUCCESS', ...(id && { id }) };
}

/** How often it has tried in vain to listen. */
function countDeaf(): number {
  return service.logged.filter(({ msg }) => msg.startsWith('cannot listen')).length;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

/** Whether the server takes connections. */
function answers(): Promise<boolean> {
  return ask('select 1').then(
    () => true,
    () => false,
  );
}

async function terminateAll(): Promise<void> {
  await ask(`select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()`);
}

async function ask(text: string): Promise<Record<string, unknown>[]> {
  // Whatever the database says of its sessions.
  const connection = { options: '-c default_transaction_read_only=off' };
  const sql = postgres(server.url, { max: 1, connect_timeout: 2, connection, onnotice: () => {} });
  try {
    return [...(await sql.unsafe(text))].map((row) => ({ ...row }));
  } finally {
    await sql.end({ timeout: 1 });
  }
}

async function readPostmaster(): Promise<number> {
  const file = await readFile(join(folder.path, 'postgres', 'postmaster.pid'), 'utf8');
  return Number(file.split('\n')[0]);
}
