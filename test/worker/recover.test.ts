import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hearCallback } from '../../src/generation/callback.ts';
import { listExchanges } from '../../src/generation/exchanges.ts';
import { takeOverFromTheSilent } from '../../src/generation/lease.ts';
import { recordSubmission } from '../../src/generation/record-submission.ts';
import { findSubmission } from '../../src/generation/send.ts';
import type { Generation } from '../../src/generation/types.ts';
import { sampleExchange, sampleTrouble } from '../generation/samples.ts';
import { taskOf } from '../generation/stage.ts';
import { until } from '../service/until.ts';
import { HOLD_MS, isAsked, isOver, isPutOff, openOwnShop, openShop, type Shop } from './shop.ts';
import type { SubmitFate } from './upstream.ts';

/** What may be lost of an answer; only CUT was not accepted. */
const LOST: SubmitFate[] = ['ACCEPTED_AND_CUT', 'ACCEPTED_AND_500', 'ACCEPTED_AND_HELD', 'CUT'];
const ACCEPTED = LOST.filter((fate) => fate !== 'CUT');

let shop: Shop;
beforeAll(async () => {
  shop = await openShop();
  await shop.startWorker();
});
afterAll(() => shop.close());

test.concurrent('a lost answer to what was taken is adopted by its reference, however it was lost: sent once', async () => {
  const all = ACCEPTED.map(async (fate) => {
    shop.upstream.plan(fate, { submits: [fate] });
    const after = await shop.sees(await shop.create('ASK', fate), isOver);
    const { posts, accepted } = shop.upstream.of(fate);
    expect([posts.length, accepted.length]).toEqual([1, 1]);
    expect(after).toMatchObject({ status: 'SUCCEEDED', failure: null, tasks: [{ providerTaskId: accepted[0]?.id }] });
    expect((await statusesOf(after)).slice(0, 3)).toEqual(['SUBMITTING', 'UNCERTAIN', 'ACCEPTED']);
  });
  await Promise.all(all);
});

test.concurrent('what the provider did not take is sent again as it was frozen, under the same reference', async () => {
  shop.upstream.plan('sent again', { submits: ['CUT'] });
  const after = await shop.sees(await shop.create('ASK', 'sent again'), isOver);
  const { posts, accepted } = shop.upstream.of('sent again');
  const { submissionId, providerTaskId } = taskOf(after);
  const frozen = await findSubmission(shop.domain, submissionId ?? '');
  expect(posts).toEqual([frozen?.body, frozen?.body]);
  expect(accepted).toEqual([{ id: providerTaskId, reference: frozen?.reference }]);
  expect(after.status).toBe('SUCCEEDED');
});

test.concurrent('a late refusal of the first sender proves nothing once another may have sent it again: one purchase', async ({
  onTestFinished,
}) => {
  const own = await openOwnShop(onTestFinished);
  const { generation, task, submission } = await own.mark('ASK', 'refused late');
  await own.silenceAll();
  await takeOverFromTheSilent(own.domain);
  // Another worker sent it once more, was accepted, and died of it; then the first one thaws with its 429.
  await own.providers.ASK.submit(submission.body, new AbortController().signal);
  const notNow = { kind: 'NOT_NOW' as const, failure: sampleTrouble(), retryAfterMs: null };
  await recordSubmission(own.domain, [{ task, report: notNow }], submission.id, sampleExchange());
  await own.startWorker();
  const after = await own.sees(generation, isOver);
  expect(own.upstream.of('refused late').accepted).toHaveLength(1);
  expect([after.status, after.tasks.length]).toEqual(['SUCCEEDED', 1]);
});

test.concurrent('what is canceled while it is looked for is not sent again, and is found by its reference if it was taken', async () => {
  for (const [prompt, fate, assets] of [
    ['canceled, taken', 'ACCEPTED_AND_CUT', 1],
    ['canceled, not taken', 'CUT', 0],
  ] as const) {
    shop.upstream.plan(prompt, { submits: [fate], lookups: ['BUSY'] });
    const generation = await shop.create('ASK', prompt);
    await shop.sees(generation, isAsked(1));
    await shop.cancel(generation);
    await shop.setTask(generation, sql`next_at = clock_timestamp()`);
    const after = await shop.sees(generation, ({ tasks: [task], assets }) => {
      return (
        assets.some(({ state }) => state === 'STORED') ||
        (fate === 'CUT' && shop.upstream.of(prompt).lookups > 1 && task !== undefined)
      );
    });
    expect([after.status, after.assets.length]).toEqual(['CANCELED', assets]);
    expect(shop.upstream.of(prompt).posts).toHaveLength(1);
  }
});

test.concurrent('a provider that refuses the reference as known has the task: adopted, and billed once', async () => {
  shop.upstream.plan('known', { submits: ['ACCEPTED_AND_CUT'], lookups: ['BLIND'] });
  const after = await shop.sees(await shop.create('ASK', 'known'), isOver);
  const { posts, accepted } = shop.upstream.of('known');
  expect([posts.length, accepted.length]).toEqual([2, 1]);
  expect(after).toMatchObject({ status: 'SUCCEEDED', tasks: [{ providerTaskId: accepted[0]?.id }] });
});

test.concurrent('while it cannot be found out it is asked again, each pause twice the last, and nothing is sent', async () => {
  shop.upstream.plan('busy', { submits: ['ACCEPTED_AND_CUT'], lookups: ['BUSY', 'BUSY', 'BUSY'] });
  const generation = await shop.create('ASK', 'busy');
  const pauses = new Map<number, number>();
  for (const count of [1, 2, 3]) {
    const { id, tries, nextAt } = taskOf(await shop.sees(generation, isAsked(count)));
    const [asked] = await listExchanges(shop.domain, [id]);
    pauses.set(tries, nextAt.getTime() - (asked?.at.getTime() ?? 0));
    await shop.setTask(generation, sql`next_at = clock_timestamp()`);
  }
  expect(Math.max(...pauses.keys())).toBe(3);
  // Each is spread by a tenth.
  for (const [tries, pause] of pauses) expect(pause).toBeGreaterThanOrEqual(900 * 2 ** (tries - 1));
  expect(shop.upstream.of('busy').posts).toHaveLength(1);
  const after = await shop.sees(generation, isOver);
  expect([after.status, shop.upstream.of('busy').posts.length]).toEqual(['SUCCEEDED', 1]);
});

test.concurrent('what the provider says it refused fails for its reason, unbilled', async () => {
  shop.upstream.plan('refused', { submits: ['CUT'], lookups: ['REFUSED'] });
  const after = await shop.sees(await shop.create('ASK', 'refused'), isOver);
  const failure = { code: 'MODERATED_PROMPT', billed: 'NO', providerMessage: 'a kite is not allowed' };
  expect(after).toMatchObject({ status: 'FAILED', failure, tasks: [{ cost: { basis: 'REFUNDED' } }] });
  expect(shop.upstream.of('refused').posts).toHaveLength(1);
});

test.concurrent('a provider that can be asked is asked first, also for a caller who said FAIL or RESUBMIT', async () => {
  const all = (['FAIL', 'RESUBMIT'] as const).map(async (onUncertain) => {
    const prompt = `asked before ${onUncertain}`;
    shop.upstream.plan(prompt, { submits: ['ACCEPTED_AND_CUT'] });
    const after = await shop.sees(await shop.create('ASK', prompt, { routing: { onUncertain } }), isOver);
    expect([after.status, after.tasks.length]).toEqual(['SUCCEEDED', 1]);
    expect(shop.upstream.of(prompt)).toMatchObject({ posts: { length: 1 }, accepted: { length: 1 } });
  });
  await Promise.all(all);
});

test.concurrent('what a worker was sending when it died is found by the next, whether it had left or not, and billed once', async ({
  onTestFinished,
}) => {
  const own = await openOwnShop(onTestFinished);
  const [unsent, sent] = [await own.mark('ASK', 'not left'), await own.mark('ASK', 'left')];
  await own.providers.ASK.submit(sent.submission.body, new AbortController().signal);
  await own.silenceAll();
  await own.startWorker();
  for (const { generation, submission } of [unsent, sent]) {
    const after = await own.sees(generation, isOver);
    const { posts, accepted } = own.upstream.of(generation.prompt);
    expect(after).toMatchObject({ status: 'SUCCEEDED', tasks: [{ providerTaskId: accepted[0]?.id }] });
    expect([posts, accepted.length]).toEqual([[submission.body], 1]);
  }
});

test.concurrent('a worker without its provider leaves it, for half a minute, to one that has it', async ({
  onTestFinished,
}) => {
  const own = await openOwnShop(onTestFinished);
  const { generation } = await own.mark('ASK', 'not configured');
  await own.silenceAll();
  const stranger = await own.startWorker([own.providers.NONE]);
  const { status, tries } = taskOf(await own.sees(generation, isPutOff));
  await stranger.stop();
  expect([status, tries]).toEqual(['UNCERTAIN', 0]);
  await own.setTask(generation, sql`next_at = clock_timestamp()`);
  await own.startWorker();
  expect((await own.sees(generation, isOver)).status).toBe('SUCCEEDED');
  expect(own.upstream.of('not configured')).toMatchObject({ posts: { length: 1 }, accepted: { length: 1 } });
});

test.concurrent('a callback that tells the id in time adopts it, and nothing is sent again', async () => {
  const { generation, callback } = await lostToCallback('called back');
  await hearCallback(shop.domain, callback);
  const after = await shop.sees(generation, isOver);
  expect(after).toMatchObject({ status: 'SUCCEEDED', failure: null, assets: [{ state: 'STORED' }] });
  expect(shop.upstream.of('called back')).toMatchObject({ posts: { length: 1 } });
});

test.concurrent('a callback that tells the id after the end brings the picture, and the end stays', async () => {
  const { generation, callback } = await lostToCallback('called back late');
  await endHold(generation);
  const ended = await shop.sees(generation, isOver);
  expect(ended).toMatchObject({ status: 'FAILED', failure: { code: 'OUTCOME_UNKNOWN', billed: 'UNKNOWN' } });
  await hearCallback(shop.domain, callback);
  const after = await shop.sees(generation, ({ assets }) => assets.some(({ state }) => state === 'STORED'));
  expect(after.version).toBeGreaterThan(ended.version);
  const { status, failure, finishedAt, startedAt } = ended;
  expect(after).toMatchObject({ status, failure, finishedAt, startedAt, tasks: [{ settleUntil: null }] });
  expect(shop.upstream.of('called back late')).toMatchObject({ posts: { length: 1 } });
});

test.concurrent('UNCERTAIN is held: what nobody can find out is never sent again, and OUTCOME_UNKNOWN only when the hold is over', async () => {
  const all = LOST.map(async (fate) => {
    const prompt = `held for ${fate}`;
    shop.upstream.plan(prompt, { submits: [fate] });
    const generation = await shop.create('NONE', prompt);
    const { status, failure, holdUntil, submissionId } = taskOf(await shop.sees(generation, isHeld));
    expect([status, failure?.billed]).toEqual(['UNCERTAIN', 'UNKNOWN']);
    expect(holdUntil?.getTime()).toBe(Date.parse(failure?.at ?? '') + HOLD_MS);
    await endHold(generation);
    const after = await shop.sees(generation, isOver);
    expect(after).toMatchObject({ status: 'FAILED', failure: { code: 'OUTCOME_UNKNOWN', billed: 'UNKNOWN' } });
    expect(after.tasks).toMatchObject([{ submissionId, cost: { basis: 'UNKNOWN' } }]);
    expect(await statusesOf(after)).toEqual(['SUBMITTING', 'UNCERTAIN', 'FAILED']);
    expect(shop.upstream.of(prompt).posts).toHaveLength(1);
  });
  await Promise.all(all);
});

test.concurrent('a caller who said FAIL does not wait for the hold', async () => {
  shop.upstream.plan('impatient', { submits: ['ACCEPTED_AND_CUT'] });
  const after = await shop.sees(await shop.create('NONE', 'impatient', { routing: { onUncertain: 'FAIL' } }), isOver);
  expect(after).toMatchObject({ status: 'FAILED', failure: { code: 'OUTCOME_UNKNOWN', billed: 'UNKNOWN' } });
  expect([after.tasks.length, shop.upstream.of('impatient').posts.length]).toEqual([1, 1]);
});

test.concurrent('a caller who said RESUBMIT gets another purchase each time, and three at most', async () => {
  const routing = { onUncertain: 'RESUBMIT' } as const;
  shop.upstream.plan('third time lucky', { submits: ['CUT', 'ACCEPTED_AND_CUT', 'ANSWERED'] });
  shop.upstream.plan('no luck', { submits: ['CUT', 'CUT', 'CUT', 'ANSWERED'] });
  const made = ['third time lucky', 'no luck'].map((prompt) => shop.create('NONE', prompt, { routing }));
  const [lucky, unlucky] = await Promise.all(made.map(async (each) => attemptsOf(await shop.sees(await each, isOver))));
  expect(lucky?.statuses).toEqual(['FAILED', 'FAILED', 'SUCCEEDED']);
  expect(unlucky?.statuses).toEqual(['FAILED', 'FAILED', 'FAILED']);
  for (const each of [lucky, unlucky]) expect(each?.reasons).toEqual([false, true, true]);
  for (const prompt of ['third time lucky', 'no luck']) {
    const references = shop.upstream.of(prompt).posts.map(({ reference }) => reference);
    expect([references.length, new Set(references).size]).toEqual([3, 3]);
  }
});

test.concurrent('SUBMITTING is written before the POST: what a silent worker has at the provider, the next does not send', async ({
  onTestFinished,
}) => {
  const own = await openOwnShop(onTestFinished);
  await own.startWorker();
  own.upstream.plan('held there', { submits: ['ACCEPTED_AND_HELD'] });
  const generation = await own.create('NONE', 'held there');
  await until(() => own.upstream.of('held there').posts.length, Boolean);
  await own.silenceAll();
  await own.startWorker();
  const uncertain = await own.sees(generation, isHeld);
  own.upstream.release('held there', 'CUT');
  await endHold(generation, own);
  const after = await own.sees(generation, isOver);
  expect([taskOf(uncertain).status, taskOf(after).status]).toEqual(['UNCERTAIN', 'FAILED']);
  expect(own.upstream.of('held there')).toMatchObject({ posts: { length: 1 }, accepted: { length: 1 } });
});

/** Accepted by a provider that calls back, and its answer lost; and what it will say. */
async function lostToCallback(prompt: string) {
  shop.upstream.plan(prompt, { submits: ['ACCEPTED_AND_CUT'] });
  const generation = await shop.create('CALLBACK', prompt);
  const { status, submissionId } = taskOf(await shop.sees(generation, isHeld));
  expect(status).toBe('UNCERTAIN');
  const [accepted] = shop.upstream.of(prompt).accepted;
  return { generation, callback: { submissionId: submissionId ?? '', providerTaskId: accepted?.id ?? '' } };
}

function endHold(generation: Generation, at: Shop = shop): Promise<void> {
  return at.setTask(generation, sql`hold_until = clock_timestamp()`);
}

async function statusesOf({ id }: Generation) {
  const events = await shop.stage.eventsOf(id);
  return events.flatMap(({ type, taskStatus }) => (type === 'TASK_CHANGED' ? [taskStatus] : []));
}

function attemptsOf({ tasks }: Generation) {
  const inOrder = [...tasks].sort((a, b) => a.attempt - b.attempt);
  return {
    statuses: inOrder.map(({ status }) => status),
    reasons: inOrder.map(({ routeReason }) => routeReason.includes('pay twice')),
  };
}

/** Whether it left is not known, and no worker has it in hand. */
function isHeld({ tasks }: Generation): boolean {
  return tasks.every(({ status, workerId }) => status === 'UNCERTAIN' && workerId === null);
}
