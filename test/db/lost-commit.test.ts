import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Connection, connect } from '../../src/db/connect.ts';
import { isUnavailable } from '../../src/db/unavailable.ts';
import { createGuardedFetch } from '../../src/fetch/guarded-fetch.ts';
import { claimTasks } from '../../src/generation/claim.ts';
import { createGeneration } from '../../src/generation/create.ts';
import type { Domain } from '../../src/generation/domain.ts';
import { listExchanges } from '../../src/generation/exchanges.ts';
import { registerWorker, takeOverFromTheSilent } from '../../src/generation/lease.ts';
import type { SubmitReport } from '../../src/generation/provider-report.ts';
import { recordSubmission } from '../../src/generation/record-submission.ts';
import { markSending, newSubmissionId, takeBack } from '../../src/generation/send.ts';
import { UNKNOWN_STANDING } from '../../src/generation/standing.ts';
import type { Generation, Task } from '../../src/generation/types.ts';
import { createBreaker } from '../../src/worker/breaker.ts';
import { createIdentity } from '../../src/worker/identity.ts';
import { createLimits } from '../../src/worker/limits.ts';
import { createSubmitter } from '../../src/worker/submit.ts';
import { sampleExchange, sampleInput } from '../generation/samples.ts';
import { type Stage, taskOf } from '../generation/stage.ts';
import { until } from '../service/until.ts';
import { openShop, type Shop } from '../worker/shop.ts';
import { type DatabaseProxy, startProxy } from './proxy.ts';

const log = pino({ level: 'silent' });
const WHEN = ['BEFORE', 'AFTER'] as const;

let shop: Shop;
let stage: Stage;
let proxy: DatabaseProxy;
let connection: Connection;
/** The shop's domain over connections that can be cut. */
let domain: Domain;
beforeAll(async () => {
  shop = await openShop();
  stage = shop.stage;
  proxy = await startProxy(stage.url);
  // Another direct URL, as with a pooler: without named statements a COMMIT can be seen from outside.
  connection = connect({ url: proxy.url, directUrl: stage.url, log });
  domain = { ...shop.domain, db: connection.db };
});
afterAll(async () => {
  await connection?.stop();
  await proxy?.stop();
  await shop?.close();
});

// The first, so that nothing else is due.
test('a task whose mark was committed without the worker hearing of it is sent all the same, and sent once', async () => {
  const generation = await shop.create('NONE', 'marked in the dark');
  const identity = createIdentity(shop.domain, () => {});
  await identity.start();
  const fetch = createGuardedFetch({ allowedHosts: [] });
  const submitter = createSubmitter(domain, {
    providers: Object.values(shop.providers),
    identity,
    callbackUrl: () => null,
    fetch,
    breaker: createBreaker(domain, { of: () => UNKNOWN_STANDING, refresh: async () => {} }),
    limits: createLimits(domain),
  });
  proxy.cutAtCommit('AFTER');
  submitter.start();
  await shop.sees(generation, (now) => taskOf(now).status === 'ACCEPTED').finally(() => submitter.stop());
  await identity.stop();
  await fetch.stop();
  expect(proxy.cuts).toBe(1);
  expect(shop.upstream.of('marked in the dark').posts).toHaveLength(1);
  const told = (await stage.eventsOf(generation.id)).map(({ taskStatus }) => taskStatus);
  expect(told).toEqual([null, 'SUBMITTING', 'QUEUED', 'SUBMITTING', 'ACCEPTED']);
});

test.each(WHEN)(
  'a creation whose connection is lost %s its COMMIT is found by its key, or made by it: once',
  async (when) => {
    const caller = await stage.newCaller();
    const input = sampleInput({ model: 'NONE', idempotencyKey: `lost ${when}` });
    const cuts = proxy.cuts;
    proxy.cutAtCommit(when);
    expect(await createGeneration(domain, caller, input).then(() => 'created', isUnavailable)).toBe(true);
    expect(proxy.cuts).toBe(cuts + 1);
    const again = await createGeneration(domain, caller, input);
    expect(again).toMatchObject({ ok: true, replayed: when === 'AFTER' });
    expect(await createGeneration(domain, caller, input)).toMatchObject({ ok: true, replayed: true });
    const made = await stage.domain.db.query.generations.findMany({
      where: (each, { eq }) => eq(each.workspaceId, caller.workspaceId),
    });
    expect(made).toHaveLength(1);
  },
);

test.each(WHEN)(
  'a mark whose connection is lost %s its COMMIT is taken back: nothing left, so nothing is uncertain',
  async (when) => {
    const { generation, task } = await claimOne();
    const submission = { id: newSubmissionId(), reference: randomUUID(), body: {} };
    proxy.cutAtCommit(when);
    expect(await markSending(domain, [task], submission).then(() => 'marked', isUnavailable)).toBe(true);
    expect(taskOf(await stage.reload(generation.id)).status).toBe(when === 'AFTER' ? 'SUBMITTING' : 'QUEUED');
    await takeBack(domain, [task], submission.id, 0);
    await takeBack(domain, [task], submission.id, 0);
    await takeOverFromTheSilent(stage.domain);
    const after = taskOf(await stage.reload(generation.id));
    expect(after).toMatchObject({ status: 'QUEUED', submissionId: null, workerId: null });
    expect(await markSending(domain, [await claim(generation)], { ...submission, id: newSubmissionId() })).toBeNull();
  },
);

test.each(WHEN)('an answer whose connection is lost %s its COMMIT is stored once, and told once', async (when) => {
  const { generation, task } = await claimOne();
  const submission = { id: newSubmissionId(), reference: randomUUID(), body: {} };
  await markSending(domain, [task], submission);
  const accepted: SubmitReport = { kind: 'ACCEPTED', providerTaskId: `theirs ${when}`, credits: '3', etaSeconds: null };
  const cuts = proxy.cuts;
  proxy.cutAtCommit(when);
  await recordSubmission(domain, [{ task, report: accepted }], submission.id, sampleExchange());
  expect(proxy.cuts).toBe(cuts + 1);
  const after = taskOf(await stage.reload(generation.id));
  expect(after).toMatchObject({ status: 'ACCEPTED', providerTaskId: `theirs ${when}`, submissionId: submission.id });
  const told = (await stage.eventsOf(generation.id)).map(({ taskStatus }) => taskStatus);
  expect(told).toEqual([null, 'SUBMITTING', 'ACCEPTED']);
  expect(await listExchanges(domain, [task.id])).toHaveLength(1);
});

async function claimOne(): Promise<{ generation: Generation; task: Task }> {
  const generation = await stage.create(await stage.newCaller());
  return { generation, task: await claim(generation) };
}

/** As soon as it is due. */
async function claim({ id }: Generation): Promise<Task> {
  const workerId = await registerWorker(stage.domain);
  const find = async () => {
    const tasks = await claimTasks(stage.domain, { workerId, statuses: ['QUEUED'], limit: 10 });
    return tasks.find(({ generationId }) => generationId === id);
  };
  return (await until(find, (task) => task !== undefined, 5_000)) as Task;
}
