import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import postgres from 'postgres';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createCallbackTokens } from '../../src/generation/callback-token.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';
import { createTestDatabase } from '../database.ts';
import { bearer, create, type Generation, LIVE_KEY, listCharges, only, read, readUntil } from './client.ts';
import { makeFolder } from './folder.ts';
import { SECRET, type Service, startService } from './service.ts';
import { until } from './until.ts';

/** So slow that what is finished in time was not found by polling: the second poll comes after ten minutes. */
const SLOW = { POLL_FIRST_MS: '50', POLL_FAST_MS: '600000', POLL_SLOW_MS: '600000' };
/** On a machine with other things to do. */
const WITHIN_MS = 40_000;
const TIMEOUT_MS = 60_000;

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let sql: postgres.Sql;
let folder: Awaited<ReturnType<typeof makeFolder>>;
let sandbox: Sandbox;
let eager: Awaited<ReturnType<typeof startEagerProvider>>;
/** Callbacks reach this one; the tasks are in the hands of the other. */
let api: Service;
let worker: Service;
beforeAll(async () => {
  [database, folder, sandbox, eager] = await Promise.all([
    createTestDatabase(),
    makeFolder(),
    startSandbox({ port: 0 }),
    startEagerProvider(),
  ]);
  sql = postgres(database.url, { max: 1 });
  const env = {
    DATABASE_URL: database.url,
    SANDBOX_URL: sandbox.url,
    STORAGE_URL: `file:${folder.path}`,
    GPTIMAGE2_API_KEY: 'sk-evo-of-the-eager-provider',
    GPTIMAGE2_BASE_URL: eager.url,
    FETCH_ALLOWED_HOSTS: new URL(eager.url).host,
    ...SLOW,
  };
  api = await startService({ ...env, ROLE: 'api' });
  worker = await startService({ ...env, ROLE: 'worker', PUBLIC_URL: api.url });
});
afterAll(async () => {
  await worker?.stop();
  await api?.stop();
  await sandbox?.stop();
  eager?.server.close();
  await sql?.end();
  await database?.drop();
  await folder?.remove();
});

// Most of each test is waiting, so they wait side by side; none looks at what another ordered. What is outside of the
// brackets is drawn, once for all of them.
test.concurrent.each(['[[lost-answer]]', '[[submit-500]]'])(
  '%s ends SUCCEEDED by the callback: its picture is stored, and was bought once',
  async (directive) => {
    const generation = await order(`A mill ${directive} [[slow=0.5]]`);
    expect([generation.status, only(generation.assets).state]).toEqual(['SUCCEEDED', 'STORED']);
    expect(await fetchPicture(generation)).toBe('image/jpeg');
    const charge = only((await listCharges(sandbox.url)).filter(({ prompt }) => prompt === generation.prompt));
    expect(only(generation.tasks)).toMatchObject({ providerTaskId: charge.taskId, failure: null });
  },
  TIMEOUT_MS,
);

test.concurrent(
  'a task is asked about when its callback comes, however slow the polls are',
  async () => {
    const { generation, sent } = await begin('A mill that takes its time');
    sent.isDone = true;
    expect(await call(sent.callbackUrl, { id: sent.id })).toBe(200);
    const ended = await readUntil(api.url, generation.id, undefined, {
      headers: bearer(LIVE_KEY),
      withinMs: WITHIN_MS,
    });
    expect([ended.status, only(ended.assets).state, sent.polledAt.length]).toEqual(['SUCCEEDED', 'STORED', 2]);
  },
  TIMEOUT_MS,
);

test.concurrent(
  'twenty copies of a callback are one poll a second, and their status is not believed',
  async () => {
    const { generation, sent } = await begin('A mill that is called a ruin');
    const said = { id: sent.id, status: 'completed', results: ['https://evil.example/a.png'] };
    for (const polls of [2, 3]) {
      expect(await callTwentyTimes(sent.callbackUrl, said)).toEqual(Array(20).fill(200));
      await until(
        () => sent.polledAt.length,
        (count) => count >= polls,
        WITHIN_MS,
      );
    }
    const gaps = sent.polledAt.slice(2).map((at, i) => at - (sent.polledAt[i + 1] ?? 0));
    // Seen from the provider: the first of two may be the one that took longer to arrive.
    expect(Math.min(...gaps)).toBeGreaterThan(800);
    const after = await read(api.url, generation.id, bearer(LIVE_KEY));
    expect(after).toMatchObject({ status: 'RUNNING', assets: [] });
  },
  TIMEOUT_MS,
);

test.concurrent(
  '[[double-callback]] is one picture, bought once; a replay after the end changes nothing',
  async () => {
    const generation = await order('A mill [[double-callback]] [[slow=0.3]]');
    expect([generation.status, generation.assets.length]).toEqual(['SUCCEEDED', 1]);
    const { providerTaskId } = only(generation.tasks);
    const answers = await callTwentyTimes(await addressOf(generation), { id: providerTaskId, status: 'failed' });
    expect(answers).toEqual(Array(20).fill(200));
    expect(await read(api.url, generation.id)).toEqual(generation);
    expect((await listCharges(sandbox.url)).filter(({ prompt }) => prompt === generation.prompt)).toHaveLength(1);
  },
  TIMEOUT_MS,
);

test.concurrent(
  '[[no-callback]] is finished by polling alone',
  async () => {
    const generation = await order('A mill [[no-callback]] [[slow=0]]');
    expect(generation.status).toBe('SUCCEEDED');
  },
  TIMEOUT_MS,
);

test.concurrent.each(['answered', 'cut'])(
  'a callback that comes before its POST is %s is adopted: one POST, one picture',
  async (then) => {
    const generation = await order(`A mill, its line ${then}`, bearer(LIVE_KEY));
    expect([generation.status, only(generation.assets).state]).toEqual(['SUCCEEDED', 'STORED']);
    const sent = only(eager.submitted.filter(({ prompt }) => prompt === generation.prompt));
    expect(sent.calledBack).toBe(200);
    expect(only(generation.tasks).providerTaskId).toBe(sent.id);
  },
  TIMEOUT_MS,
);

test(
  'no token of a callback is in the log of any process, nor in an exchange',
  async () => {
    const generation = await order('A mill [[slow=0.1]]');
    const [posted] = only(generation.tasks).exchanges.filter(({ method }) => method === 'POST');
    expect(posted?.requestBody).toMatchObject({ callback_url: `${api.url}/webhooks/gptimage2/[redacted]` });
    await until(
      () => JSON.stringify(api.logged),
      (text) => text.includes('/webhooks/gptimage2/[redacted]'),
    );
    const rows = await sql`select submission_id from tasks where submission_id is not null`;
    const signatures = rows.map(({ submission_id: id }) =>
      createCallbackTokens([SECRET]).sign('gptimage2', id).slice(-43),
    );
    const kept = await sql`select coalesce(string_agg(to_jsonb(exchanges)::text, ''), '') as text from exchanges`;
    const shown = JSON.stringify([api.logged, worker.logged, kept]);
    expect(signatures.length).toBeGreaterThan(5);
    expect(signatures.filter((signature) => shown.includes(signature))).toEqual([]);
  },
  TIMEOUT_MS,
);

async function order(prompt: string, headers?: Record<string, string>): Promise<Generation> {
  const { generation } = await create(api.url, { prompt }, headers);
  return readUntil(api.url, generation.id, undefined, { ...(headers && { headers }), withinMs: WITHIN_MS });
}

/** A generation at the eager provider, which has been asked about it once and will not be for ten minutes. */
async function begin(prompt: string): Promise<{ generation: Generation; sent: Submitted }> {
  const { generation } = await create(api.url, { prompt }, bearer(LIVE_KEY));
  const isRunning = ({ status, tasks }: Generation) => status === 'RUNNING' && only(tasks).status === 'RUNNING';
  await readUntil(api.url, generation.id, isRunning, { headers: bearer(LIVE_KEY), withinMs: WITHIN_MS });
  return { generation, sent: only(eager.submitted.filter((each) => each.prompt === prompt)) };
}

/** Where the provider was told to call for the only task of this generation. */
async function addressOf({ id }: Generation): Promise<string> {
  const [row] = await sql`
    select body->>'callback_url' as url from submissions
    where id = (select submission_id from tasks where generation_id = ${id})`;
  return row?.url;
}

async function call(url: string, body: unknown): Promise<number> {
  return (await fetch(url, { method: 'POST', body: JSON.stringify(body) })).status;
}

function callTwentyTimes(url: string, body: unknown): Promise<number[]> {
  return Promise.all(Array.from({ length: 20 }, () => call(url, body)));
}

async function fetchPicture({ assets }: Generation): Promise<string | null> {
  return (await fetch(only(assets).url?.uri ?? '')).headers.get('content-type');
}

interface Submitted {
  id: string;
  prompt: string;
  callbackUrl: string;
  /** What the callback that came before the answer was answered; 0 where none was made. */
  calledBack: number;
  isDone: boolean;
  polledAt: number[];
}

/**
 * A GPTImage2 that is done before it answers, calls back first, and then answers, or cuts the line after a prompt that
 * asks for it. `A mill that …` takes its time instead: it is done when the test says so.
 */
async function startEagerProvider(): Promise<{ url: string; server: Server; submitted: Submitted[] }> {
  const picture = await sharp({ create: { width: 64, height: 64, channels: 3, background: 'teal' } })
    .png()
    .toBuffer();
  const submitted: Submitted[] = [];
  const server = createServer(async (request, response) => {
    const { url: path = '' } = request;
    if (path === '/picture.png') return response.writeHead(200, { 'content-type': 'image/png' }).end(picture);
    if (request.method === 'GET') {
      const task = submitted.find(({ id }) => path === `/v1/tasks/${id}`);
      task?.polledAt.push(performance.now());
      const state = task?.isDone
        ? { status: 'completed', progress: 100, results: [`${url}/picture.png`] }
        : { status: 'processing', progress: 40 };
      return response.end(JSON.stringify({ id: task?.id, ...state }));
    }
    const { prompt, callback_url: callbackUrl } = (await json(request)) as { prompt: string; callback_url: string };
    const isDone = !prompt.startsWith('A mill that ');
    const task = { id: `task-eager-${submitted.length}`, prompt, callbackUrl, calledBack: 0, isDone, polledAt: [] };
    submitted.push(task);
    if (isDone) task.calledBack = await call(callbackUrl, { id: task.id, status: 'completed' });
    if (prompt.endsWith(' cut')) return response.destroy();
    response.end(JSON.stringify({ id: task.id, status: 'pending', usage: { credits_reserved: 3 } }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, server, submitted };
}
