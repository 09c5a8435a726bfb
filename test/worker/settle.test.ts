import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { claimUnsettled } from '../../src/generation/claim.ts';
import { listExchanges } from '../../src/generation/exchanges.ts';
import { takeTurn } from '../../src/generation/turns.ts';
import type { Generation } from '../../src/generation/types.ts';
import { sampleImages } from '../generation/samples.ts';
import { taskOf, tell } from '../generation/stage.ts';
import { until } from '../service/until.ts';
import { SLOW_MS } from './adapter.ts';
import { isAsked, isOver, openOwnShop, openShop, type Shop } from './shop.ts';
import { BUSY_MS, type Plan } from './upstream.ts';

const DAY_MS = 86_400_000;

/** What these do at the provider once they are canceled here. */
const PLANS: Record<string, Plan> = {
  'finished late': {},
  'failed late': { end: 'FAILED' },
  undecided: { end: 'RUNNING', asks: ['SILENT', 'MISSING', 'TRUE'] },
  'too often': { end: 'RUNNING', asks: ['BUSY'] },
  'given up': { end: 'RUNNING' },
  dead: { dead: true },
};

let shop: Shop;
const canceled = new Map<string, Generation>();
beforeAll(async () => {
  shop = await openShop();
  for (const [prompt, plan] of Object.entries(PLANS)) canceled.set(prompt, await cancelAccepted(shop, prompt, plan));
  await shop.startWorker();
});
afterAll(() => shop.close());

test.concurrent('what was canceled before its provider had done anything gets its picture: kept, told of, booked', async () => {
  const before = the('finished late');
  expect(before).toMatchObject({ status: 'CANCELED', failure: { code: 'CANCELED', billed: 'UNKNOWN' } });
  await expectLatePicture(before);
});

test.concurrent('what was canceled while it ran gets its picture when its provider has it', async () => {
  shop.upstream.plan('running', { end: 'RUNNING' });
  const generation = await shop.create('NONE', 'running');
  await shop.sees(generation, ({ tasks }) => tasks[0]?.status === 'RUNNING');
  const before = await shop.cancel(generation);
  expect(taskOf(before)).toMatchObject({ status: 'CANCELED', tries: 0 });
  shop.upstream.of('running').end = 'FINISHED';
  await expectLatePicture(before);
});

test.concurrent('what was not finished by its deadline gets its picture when its provider has it', async () => {
  shop.upstream.plan('too slow', { end: 'RUNNING' });
  const before = await shop.sees(await shop.create('NONE', 'too slow', {}, 1_500), isOver);
  expect(before).toMatchObject({ status: 'FAILED', failure: { code: 'DEADLINE_EXCEEDED', billed: 'UNKNOWN' } });
  shop.upstream.of('too slow').end = 'FINISHED';
  await shop.setTask(before, sql`next_at = clock_timestamp()`);
  await expectLatePicture(before);
});

test.concurrent('what failed at its provider after all, unbilled, is booked as free, on the word that is kept', async () => {
  const before = the('failed late');
  const after = await shop.sees(before, isSettled);
  expect(taskOf(after)).toEqual({
    ...taskOf(before),
    leaseToken: expect.any(Number),
    tries: 1,
    settleUntil: null,
    failure: { ...before.failure, billed: 'NO' },
    cost: { ...taskOf(before).cost, basis: 'REFUNDED' },
  });
  expect(await newsAfter(before)).toEqual(['COST_SETTLED']);
  const [told] = await listExchanges(shop.domain, [taskOf(before).id]);
  expect(told).toMatchObject({ method: 'GET', responseBody: { status: 'FAILED' } });
});

test.concurrent('a provider that has not ended it is asked with pauses that double', async () => {
  const generation = the('undecided');
  const pauses: number[] = [];
  for (const count of [1, 2, 3]) {
    const { nextAt } = taskOf(await shop.sees(generation, isAsked(count)));
    const { asks } = shop.upstream.of('undecided');
    expect(asks).toHaveLength(count);
    pauses.push((nextAt.getTime() - (asks.at(-1) ?? 0)) / SLOW_MS);
    await shop.setTask(generation, sql`next_at = clock_timestamp()`);
  }
  // Each is spread by a tenth.
  for (const [i, pause] of pauses.entries()) expect(pause / 2 ** i).toBeGreaterThanOrEqual(0.9);
  for (const [i, pause] of pauses.entries()) expect(pause / 2 ** i).toBeLessThan(1.5);
  expect(await shop.stage.reload(generation.id)).toMatchObject({ version: generation.version, assets: [] });
});

test.concurrent('a provider that asks for a longer pause gets it', async () => {
  const { nextAt } = taskOf(await shop.sees(the('too often'), isAsked(1)));
  expect(nextAt.getTime() - (shop.upstream.of('too often').asks[0] ?? 0)).toBeGreaterThanOrEqual(BUSY_MS);
});

test.concurrent('it is asked for a day, then given up; nothing else changes', async () => {
  const generation = the('given up');
  const { finishedAt, settleUntil } = taskOf(await shop.sees(generation, isAsked(1)));
  expect(settleUntil?.getTime()).toBe((finishedAt?.getTime() ?? 0) + DAY_MS);
  await shop.setTask(generation, sql`settle_until = clock_timestamp() + interval '5 s', next_at = clock_timestamp()`);
  const after = await shop.sees(generation, isSettled);
  expect(shop.upstream.of('given up').asks).toHaveLength(2);
  const { nextAt, leaseToken, tries } = taskOf(after);
  expect(after).toEqual({
    ...generation,
    tasks: [{ ...taskOf(generation), settleUntil: null, nextAt, leaseToken, tries }],
  });
});

test.concurrent('a late image whose URL serves none ends LOST, and is waited for no more', async () => {
  const after = await shop.sees(the('dead'), isSettled);
  expect(after.assets).toMatchObject([{ index: 0, state: 'LOST', failure: { code: 'RESULT_UNAVAILABLE' } }]);
  expect([after.status, taskOf(after).workerId]).toEqual(['CANCELED', null]);
  expect((await newsAfter(the('dead'))).filter((type) => type !== 'GENERATION_PROGRESSED')).toEqual([
    'COST_SETTLED',
    'ASSET_LOST',
  ]);
});

test.concurrent('when the worker that settles dies the next goes on, and the lease fences what the first still says', async ({
  onTestFinished,
}) => {
  const own = await openOwnShop(onTestFinished);
  const generation = await cancelAccepted(own, 'taken over', { end: 'RUNNING' });
  const about = await claimedByTheDead(own);
  await own.silenceAll();
  await own.startWorker();
  const asked = await own.sees(generation, isAsked(2));
  const report = { kind: 'FINISHED', images: sampleImages(3), credits: '9' } as const;
  await tell(own.domain, generation, { kind: 'SETTLED', ...about, report, resultTtlSeconds: 60 });
  await tell(own.domain, generation, { kind: 'DELAYED', ...about, delayMs: 1 });
  expect(await own.stage.reload(generation.id)).toEqual(asked);
  own.upstream.of('taken over').end = 'FINISHED';
  await own.setTask(generation, sql`next_at = clock_timestamp()`);
  expect((await own.sees(generation, isSettled)).assets).toMatchObject([{ state: 'STORED' }]);
});

test.concurrent('a picture that was found late, by a worker that died before it was kept, is kept by the next', async ({
  onTestFinished,
}) => {
  const own = await openOwnShop(onTestFinished);
  const generation = await cancelAccepted(own, 'found', {});
  const about = await claimedByTheDead(own);
  const id = taskOf(generation).providerTaskId ?? '';
  const [answer] = await own.providers.NONE.ask([id], new AbortController().signal);
  if (!answer) throw new Error('It was asked about one.');
  const { report } = answer;
  const found = await tell(own.domain, generation, { kind: 'SETTLED', ...about, report, resultTtlSeconds: 60 });
  expect(found.assets).toMatchObject([{ state: 'PENDING' }]);
  await own.silenceAll();
  await own.startWorker();
  expect((await own.sees(generation, isSettled)).assets).toMatchObject([{ state: 'STORED' }]);
  expect(own.upstream.of('found').asks).toHaveLength(1);
});

test.concurrent('a stop amid a question gives the lease back, due at once, and the try is not counted', async ({
  onTestFinished,
}) => {
  const own = await openOwnShop(onTestFinished);
  const generation = await cancelAccepted(own, 'stopped', { asks: ['HELD'] });
  const worker = await own.startWorker();
  await until(
    () => own.upstream.of('stopped').asks.length,
    (count) => count === 1,
  );
  const before = taskOf(await own.stage.reload(generation.id));
  await worker.stop();
  const after = taskOf(await own.stage.reload(generation.id));
  expect(before.workerId).not.toBeNull();
  const leaseToken = before.leaseToken + 1;
  expect(after).toEqual({ ...before, workerId: null, leaseToken, nextAt: after.nextAt, tries: 0 });
  expect(after.nextAt.getTime()).toBeLessThan(Date.now() + 1_000);
  await own.startWorker();
  expect(await own.sees(generation, isSettled)).toMatchObject({ status: 'CANCELED', assets: [{ state: 'STORED' }] });
});

test.concurrent('neither what is settled nor what is looked for is asked about without a turn, which is no fault of its', async ({
  onTestFinished,
}) => {
  const own = await openOwnShop(onTestFinished);
  const limits = { concurrency: null, requestsPerMinute: 1, batch: null };
  const [ask, none] = [own.providers.ASK, own.providers.NONE].map((each) => ({ ...each, limits }));
  if (!ask || !none) throw new Error('There are two.');
  const canceled = await cancelAccepted(own, 'no turn', { end: 'RUNNING' });
  const { generation: uncertain } = await own.mark('ASK', 'no turn either');
  await own.silenceAll();
  for (const { slug: provider, mode } of [ask, none]) await takeTurn(own.domain.db, { provider, mode, limits });
  await own.startWorker([ask, none]);
  for (const generation of [uncertain, canceled]) {
    const { tries } = taskOf(
      await own.sees(generation, ({ tasks }) =>
        tasks.every(({ workerId, nextAt }) => workerId === null && nextAt.getTime() > Date.now() + 30_000),
      ),
    );
    expect(tries).toBe(0);
  }
  expect([own.upstream.of('no turn').asks, own.upstream.of('no turn either').lookups]).toEqual([[], 0]);
});

/** What a worker says of the only unsettled task of this shop, which it has claimed. */
async function claimedByTheDead({ domain, register }: Shop): Promise<{ taskId: string; token: number }> {
  const [task] = await claimUnsettled(domain, { workerId: await register(), limit: 10 });
  if (!task) throw new Error('There is nothing to settle.');
  return { taskId: task.id, token: task.leaseToken };
}

/** Accepted, and canceled before a worker has asked about it. */
async function cancelAccepted(at: Shop, prompt: string, plan: Plan): Promise<Generation> {
  at.upstream.plan(prompt, plan);
  return at.cancel(await at.send('NONE', prompt));
}

function the(prompt: string): Generation {
  const generation = canceled.get(prompt);
  if (!generation) throw new Error(`There is no plan for ${prompt}.`);
  return generation;
}

/** Waits for it; `before` is the generation as it ended. */
async function expectLatePicture(before: Generation): Promise<void> {
  const after = await shop.sees(before, isSettled);
  expect(after.assets).toMatchObject([{ index: 0, state: 'STORED', taskId: taskOf(before).id }]);
  const { status, failure, finishedAt, percent } = before;
  expect(after).toMatchObject({ status, failure, finishedAt, percent });
  expect(taskOf(after)).toMatchObject({ status, failure, cost: { basis: 'UNKNOWN', providerCredits: '4' } });
  expect(await newsAfter(before)).toEqual(['COST_SETTLED', 'ASSET_STORED']);
  expect(after.version).toBe(before.version + 2);
  const types = (await shop.stage.eventsOf(before.id)).map(({ type }) => type);
  expect(types.indexOf('GENERATION_FINISHED')).toBe(before.version - 1);
}

/** What was told since. */
async function newsAfter({ id, version }: Generation): Promise<string[]> {
  return (await shop.stage.eventsOf(id)).filter((event) => event.version > version).map(({ type }) => type);
}

/** Nobody will ask about it again. */
function isSettled({ tasks }: Generation): boolean {
  return tasks.every(({ settleUntil }) => settleUntil === null);
}
