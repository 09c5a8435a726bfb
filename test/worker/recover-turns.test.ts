import { sql } from 'drizzle-orm';
import { expect, type TestContext, test } from 'vitest';
import { takeOverFromTheSilent } from '../../src/generation/lease.ts';
import type { Generation } from '../../src/generation/types.ts';
import type { Provider } from '../../src/provider/provider.ts';
import { createIdentity } from '../../src/worker/identity.ts';
import { createLimits } from '../../src/worker/limits.ts';
import { createRecoverer } from '../../src/worker/recover.ts';
import { taskOf } from '../generation/stage.ts';
import { until } from '../service/until.ts';
import { openOwnShop, type Shop } from './shop.ts';
import type { Plan } from './upstream.ts';

const ONE_PLACE = { concurrency: 1, requestsPerMinute: null, batch: null };
/** Twelve at once, and then one each 578 ms. */
const TWO_A_SECOND = { concurrency: null, requestsPerMinute: 120, batch: null };
const ONE_LEFT_MS = 11 * 578;

test.concurrent('a recovery that takes three requests waits for a turn for each: none leaves without one', async ({
  onTestFinished,
}) => {
  const own = await openOwnShop(onTestFinished);
  const generation = await loseAnswer(own, 'three turns');
  const turns = await leaveOneTurn(own);
  await startRecoverer(own, { ...askingTwice(own), limits: TWO_A_SECOND }, onTestFinished);
  const after = await own.sees(generation, isFound);
  const { requests, posts, lookups, accepted } = own.upstream.of('three turns');
  expect([lookups, posts.length, accepted.length]).toEqual([2, 2, 1]);
  expect(taskOf(after)).toMatchObject({ status: 'ACCEPTED', providerTaskId: accepted[0]?.id, tries: 0 });
  expectTurns(await turns(), requests.slice(1));
});

test.concurrent('what is looked for after its end takes a turn for each question too', async ({ onTestFinished }) => {
  const own = await openOwnShop(onTestFinished);
  const generation = await loseAnswer(own, 'canceled', { submits: ['ACCEPTED_AND_CUT'], lookups: ['BLIND'] });
  await own.cancel(generation);
  const turns = await leaveOneTurn(own);
  await own.startWorker([{ ...askingTwice(own), limits: TWO_A_SECOND }]);
  const after = await own.sees(generation, isFound);
  const { requests, posts, lookups } = own.upstream.of('canceled');
  expect([after.status, posts.length, lookups]).toEqual(['CANCELED', 1, 2]);
  expectTurns(await turns(), requests.slice(1));
});

test.concurrent('what is sent again is admitted like any submission: it waits while others have all places', async ({
  onTestFinished,
}) => {
  const own = await openOwnShop(onTestFinished);
  const other = await own.send('ASK', 'in its place');
  const generation = await loseAnswer(own, 'no place');
  await startRecoverer(own, { ...own.providers.ASK, limits: ONE_PLACE }, onTestFinished);
  const { lookups } = await until(
    () => own.upstream.of('no place'),
    (order) => order.lookups > 0,
  );
  const ended = Date.now();
  await own.setTask(other, sql`status = 'SUCCEEDED', finished_at = clock_timestamp()`);
  await own.sees(generation, isFound);
  const { requests, posts } = own.upstream.of('no place');
  expect([lookups, posts.length]).toEqual([1, 2]);
  expect(requests.at(-1)).toBeGreaterThanOrEqual(ended);
});

test.concurrent('a stop ends the wait for a turn: what has not left does not leave', async ({ onTestFinished }) => {
  const own = await openOwnShop(onTestFinished);
  await own.send('ASK', 'in the place');
  const generation = await loseAnswer(own, 'stopped');
  const stop = await startRecoverer(own, { ...own.providers.ASK, limits: ONE_PLACE }, onTestFinished);
  await until(
    () => own.upstream.of('stopped'),
    ({ lookups }) => lookups > 0,
  );
  await stop();
  expect(own.upstream.of('stopped')).toMatchObject({ posts: { length: 1 }, accepted: [] });
  expect(taskOf(await own.stage.reload(generation.id))).toMatchObject({ status: 'UNCERTAIN', workerId: null });
});

/** Sent by a worker that died of it; the provider has not taken it, unless planned otherwise. */
async function loseAnswer(own: Shop, prompt: string, plan: Plan = { submits: ['CUT'] }): Promise<Generation> {
  own.upstream.plan(prompt, plan);
  const { generation, submission } = await own.mark('ASK', prompt);
  await own.providers.ASK.submit(submission.body, new AbortController().signal);
  await own.silenceAll();
  await takeOverFromTheSilent(own.domain);
  return generation;
}

/** One that has two places to look in. */
function askingTwice({ providers: { ASK } }: Shop): Provider {
  const { recover: ask } = ASK;
  if (!ask) throw new Error('It can be asked.');
  const recover: Provider['recover'] = async (submission, may, signal) => {
    const first = await ask(submission, async () => false, signal);
    return first.report.kind === 'UNKNOWN' && (await may('ASK')) ? ask(submission, may, signal) : first;
  };
  return { ...ASK, recover };
}

/** A recoverer and nothing else. Answers what stops it. */
async function startRecoverer({ domain }: Shop, provider: Provider, onTestFinished: TestContext['onTestFinished']) {
  const identity = createIdentity(domain, () => {});
  const recoverer = createRecoverer(domain, [provider], identity, createLimits(domain));
  const stop = async () => {
    await recoverer.stop();
    await identity.stop();
  };
  onTestFinished(stop);
  await identity.start();
  recoverer.start();
  return stop;
}

/** Notes each turn that is taken from now on; answers when those were, in milliseconds. */
async function leaveOneTurn({ domain: { db }, providers }: Shop): Promise<() => Promise<number[]>> {
  await db.execute(sql`create table turns (at timestamptz)`);
  await db.execute(sql`
    create function note() returns trigger language plpgsql as
      'begin insert into turns (at) values (clock_timestamp()); return new; end'`);
  await db.execute(sql`
    create trigger note after update of turn_at on provider_states for each row
    when (new.turn_at is distinct from old.turn_at) execute function note()`);
  const { slug, mode } = providers.ASK;
  await db.execute(sql`
    insert into provider_states (provider, mode, turn_at)
    values (${slug}, ${mode}, clock_timestamp() + ${ONE_LEFT_MS}::int * interval '1 ms')`);
  return async () => {
    const rows = await db.execute<{ ms: number }>(
      sql`select floor(extract(epoch from at) * 1000)::float8 as ms from turns order by at`,
    );
    return rows.map(({ ms }) => ms);
  };
}

/** One for each request, before it came in; one that is not used harms nobody. */
function expectTurns(turns: readonly number[], requests: readonly number[]): void {
  expect(requests.filter((at, i) => at < (turns[i] ?? Number.POSITIVE_INFINITY))).toEqual([]);
}

function isFound({ tasks }: Generation): boolean {
  return tasks.every(({ providerTaskId }) => providerTaskId !== null);
}
