import { randomUUID } from 'node:crypto';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import sharp from 'sharp';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createGuardedFetch } from '../../src/fetch/guarded-fetch.ts';
import { askLeave, openProvider } from '../../src/generation/breaker-state.ts';
import { hearCallback } from '../../src/generation/callback.ts';
import { cancelGeneration } from '../../src/generation/cancel.ts';
import { claimTasks } from '../../src/generation/claim.ts';
import { createGenerations } from '../../src/generation/create.ts';
import type { Domain } from '../../src/generation/domain.ts';
import type { CreateInput } from '../../src/generation/input.ts';
import { registerWorker } from '../../src/generation/lease.ts';
import type { SubmitReport } from '../../src/generation/provider-report.ts';
import type { ProviderRequest } from '../../src/generation/provider-request.ts';
import { markSending, newSubmissionId } from '../../src/generation/send.ts';
import { type Standing, UNKNOWN_STANDING } from '../../src/generation/standing.ts';
import type { Generation, Task } from '../../src/generation/types.ts';
import type { OnPartial, Provider } from '../../src/provider/provider.ts';
import { createBreaker } from '../../src/worker/breaker.ts';
import { createIdentity, type Identity } from '../../src/worker/identity.ts';
import { createLimits } from '../../src/worker/limits.ts';
import { createSubmitter } from '../../src/worker/submit.ts';
import type { TaskLoop } from '../../src/worker/task-loop.ts';
import type { Caller } from '../../src/workspace/caller.ts';
import { startFarSide } from '../fetch/far-side.ts';
import { the } from '../generation/reports.ts';
import { sampleExchange, sampleImages, sampleInput, sampleModel, sampleTrouble } from '../generation/samples.ts';
import { openStage, type Stage } from '../generation/stage.ts';
import { until } from '../service/until.ts';
import { createFake, pending } from './fake.ts';

type Body = { prompts: string[] };
type Answer = (body: Body, onPartial?: OnPartial) => SubmitReport | Promise<SubmitReport>;

const PICTURE = await sharp({ create: { width: 4, height: 4, channels: 3, background: 'teal' } })
  .png()
  .toBuffer();

let stage: Stage;
let caller: Caller;
const bodies: Body[] = [];

beforeAll(async () => {
  stage = await openStage();
});
beforeEach(async () => {
  await stage.clear();
  caller = await stage.newCaller();
  bodies.length = 0;
});
afterAll(() => stage.close());

describe('a provider with batches', () => {
  const accepted: Answer = () => ({ kind: 'ACCEPTED', providerTaskId: 'batch', credits: '7', etaSeconds: null });

  test('gets what was ordered together in one submission, each task with an id and credits of its own', async () => {
    const [generations, end] = await order(['one', 'two', 'three'], batching(accepted));
    const tasks = await settled(generations, ({ status }) => status === 'ACCEPTED');
    await end();
    expect(bodies.map(({ prompts }) => prompts.toSorted())).toEqual([['one', 'three', 'two']]);
    expect(new Set(tasks.map(({ submissionId }) => submissionId)).size).toBe(1);
    const { prompts } = the(bodies[0]);
    expect(tasks.map(({ place, providerTaskId, cost }) => [place, providerTaskId, cost.providerCredits])).toEqual(
      tasks.map(({ request, place }) => [place, `batch#${prompts.indexOf(request.prompt)}`, '7']),
    );
    expect(tasks.map(({ request, place }) => prompts[place ?? -1] === request.prompt)).toEqual([true, true, true]);
  });

  test('gets no more at once than a batch carries', async () => {
    const [generations, end] = await order(['1', '2', '3', '4', '5'], batching(accepted, 2));
    await settled(generations, ({ status }) => status === 'ACCEPTED');
    await end();
    expect(bodies.map(({ prompts }) => prompts.length).sort()).toEqual([1, 2, 2]);
    expect(bodies.flatMap(({ prompts }) => prompts).sort()).toEqual(['1', '2', '3', '4', '5']);
  });

  test('that has no room for a batch gets one order, and the others when there is', async () => {
    const limits = { concurrency: 3, batches: 0, requestsPerMinute: null, batch: null };
    const single: Answer = ({ prompts }) => ({
      kind: 'ACCEPTED',
      providerTaskId: prompts.join(),
      credits: null,
      etaSeconds: null,
    });
    const [generations, end] = await order(['one', 'two', 'three', 'four'], { ...batching(single), limits });
    const tasks = await until(
      () => tasksOf(generations),
      (all) => all.filter(({ status }) => status === 'ACCEPTED').length === 3,
      10_000,
    );
    await end();
    expect(bodies.map(({ prompts }) => prompts.length)).toEqual([1, 1, 1]);
    expect(tasks.map(({ status, place }) => [status, place]).toSorted()).toEqual([
      ...Array(3).fill(['ACCEPTED', null]),
      ['QUEUED', null],
    ]);
  });

  test('that refuses one gets each by itself, and only what it does not like fails', async () => {
    const failure = sampleTrouble({ code: 'MODERATED_PROMPT', billed: 'NO', retryable: false });
    const picky: Answer = ({ prompts }) =>
      prompts.includes('bad')
        ? { kind: 'REFUSED', failure }
        : { kind: 'ACCEPTED', providerTaskId: `img ${prompts.join()}`, credits: null, etaSeconds: null };
    const [generations, end] = await order(['good', 'bad', 'fine'], batching(picky));
    const tasks = await settled(generations, ({ status }) => status === 'ACCEPTED' || status === 'FAILED');
    await end();
    expect(tasks.map(({ status, providerTaskId, place }) => [status, providerTaskId, place])).toEqual([
      ['ACCEPTED', 'img good', null],
      ['FAILED', null, null],
      ['ACCEPTED', 'img fine', null],
    ]);
    expect(bodies.map(({ prompts }) => prompts.length)).toEqual([3, 1, 1, 1]);
  });

  test('that never answered for one is found out about by a callback: every task learns its own id', async () => {
    const lost: Answer = () => ({ kind: 'AMBIGUOUS', failure: sampleTrouble() });
    const [generations, end] = await order(['one', 'two'], batching(lost));
    const held = await settled(generations, ({ status }) => status === 'UNCERTAIN');
    await end();
    const submissionId = held[0]?.submissionId ?? '';
    const callback = { submissionId, providerTaskId: 'batch', idOf: (place: number) => `batch#${place}` };
    await hearCallback(stage.domain, callback);
    await hearCallback(stage.domain, callback);
    const tasks = await tasksOf(generations);
    expect(tasks.map(({ status, providerTaskId }) => [status, providerTaskId])).toEqual(
      held.map(({ place }) => ['ACCEPTED', `batch#${place}`]),
    );
    expect(held.map(({ place }) => place).toSorted()).toEqual([0, 1]);
    expect(bodies).toHaveLength(1);
  });
});

describe('a provider that answers with the images', () => {
  const broken: SubmitReport = { kind: 'AMBIGUOUS', failure: sampleTrouble() };

  test('has each stored before it goes on', async () => {
    const seen: number[] = [];
    const [generations, end] = await order(
      ['a kite'],
      answering(async (_, onPartial) => {
        for (const count of [1, 2]) {
          await onPartial?.({ images: sampleImages(count), undelivered: [] });
          seen.push((await stage.reload(generations[0]?.id ?? '')).assets.length);
        }
        return { kind: 'FINISHED', images: sampleImages(2), credits: null };
      }),
      { input: { images: 2 } },
    );
    const [task] = await settled(generations, ({ status }) => status === 'COLLECTING');
    await end();
    expect(seen).toEqual([1, 2]);
    expect(task).toMatchObject({ providerTaskId: null, percent: 99 });
  });

  test('and breaks off leaves what had come to be collected', async () => {
    const partly: Answer = async (_, onPartial) => {
      await onPartial?.({ images: sampleImages(1), undelivered: [] });
      return broken;
    };
    const [generations, end] = await order(['a kite'], answering(partly), { input: { images: 2 } });
    const [task] = await settled(generations, ({ status }) => status === 'COLLECTING');
    await end();
    expect(task?.undelivered).toMatchObject([{ code: 'OUTCOME_UNKNOWN', billed: 'UNKNOWN' }]);
    expect(bodies).toHaveLength(1);
  });

  test('is estimated meanwhile from how long it usually takes', async () => {
    const slow: Answer = async () => {
      await sleep(600);
      return broken;
    };
    const usual = () => ({ ...UNKNOWN_STANDING, p50Seconds: 1 });
    const [generations, end] = await order(['a kite'], answering(slow), { domain: { standingOf: usual } });
    const [task] = await settled(generations, ({ percent }) => percent !== null);
    expect(task).toMatchObject({ status: 'SUBMITTING', progressBasis: 'ESTIMATED' });
    expect(task?.percent).toBeGreaterThan(0);
    expect(task?.percent).toBeLessThan(100);
    await end();
  });
});

test('what has no turn at its provider keeps its place among what is due, and the try does not count', async () => {
  const answer: Answer = () => ({ kind: 'ACCEPTED', providerTaskId: randomUUID(), credits: null, etaSeconds: null });
  const limits = { concurrency: 1, requestsPerMinute: null, batch: null };
  const [generations, end] = await order(['one', 'two', 'three'], { ...batching(answer, 1), limits });
  const due = (await tasksOf(generations)).map(({ nextAt }) => nextAt);
  const tasks = await until(
    () => tasksOf(generations),
    (all) => all.some(({ status }) => status === 'ACCEPTED') && all.every(({ workerId }) => workerId === null),
    10_000,
  );
  await end();
  const [sent, ...others] = tasks.toSorted((a, b) => (a.status < b.status ? -1 : 1));
  expect([sent?.status, others.map(({ status, tries }) => [status, tries])]).toEqual([
    'ACCEPTED',
    [
      ['QUEUED', 0],
      ['QUEUED', 0],
    ],
  ]);
  for (const { nextAt } of others) expect(due).toContainEqual(nextAt);
});

test('what cannot be composed leaves the trial of its provider to another', async () => {
  const key = { provider: 'kites', mode: 'TEST' as const };
  const why = { code: 'PROVIDER_ERROR' as const, reason: 'It was away.' };
  await openProvider(stage.domain.db, key, why, { firstMs: 0, longestMs: 0, leastMs: 0 }, null);
  const standing = { ...UNKNOWN_STANDING, openUntil: new Date() };
  const compose = () => {
    throw new Error('There are no words for it.');
  };
  const provider = createFake(() => pending, { compose });
  const [generations, end] = await order(['one'], provider, { standing });
  await settled(generations, ({ tries, workerId }) => tries === 1 && workerId === null);
  await end();
  expect(await askLeave(stage.domain.db, key, 1_000)).toMatchObject({ kind: 'TRIAL' });
});

test('of what is sent as bytes four are in hand at one time, and what has not left at a stop is given back', async () => {
  const answers: (() => void)[] = [];
  const answer: Answer = () =>
    new Promise((resolve) => {
      answers.push(() => resolve({ kind: 'ACCEPTED', providerTaskId: randomUUID(), credits: null, etaSeconds: null }));
    });
  const prompts = ['1', '2', '3', '4', '5', '6'];
  await using farSide = await startFarSide((_, res) => res.end(PICTURE));
  const looks = { form: 'DATA_URI', schemes: ['http'], formats: ['png'], maxBytes: 10_000 } as const;
  const rules = { ...looks, maxTotalBytes: null, ratio: null, maxPixels: null, minSide: 1 };
  const provider = {
    ...batching(answer, 1),
    models: [sampleModel({ maxReferences: 1, references: rules })],
    resultHosts: [farSide.host],
  };
  const references = [{ uri: `${farSide.url}/kite.png` }];
  const [generations, end] = await order(prompts, provider, { input: { references } });
  await until(
    () => bodies.length,
    (count) => count === 4,
  );
  const ending = end();
  for (const each of answers) each();
  await ending;
  const statuses = (await tasksOf(generations)).map(({ status, workerId }) => [status, workerId]);
  expect(statuses.toSorted()).toEqual([...Array(4).fill(['ACCEPTED', null]), ...Array(2).fill(['QUEUED', null])]);
  expect([bodies.length, farSide.seen.length]).toEqual([4, 4]);
});

test('orders at a provider that never answers leave room for those at another', async () => {
  const release: (() => void)[] = [];
  const stuck: Answer = () =>
    new Promise((resolve) => {
      release.push(() => resolve({ kind: 'ACCEPTED', providerTaskId: randomUUID(), credits: null, etaSeconds: null }));
    });
  const boats = { ...batching(taken, 1), slug: 'boats' };
  const prompts = Array.from({ length: 70 }, (_, i) => String(i));
  const [, end] = await order(prompts, batching(stuck, 1), { boats });
  const [sent] = await Promise.all([
    until(
      () => bodies.some(({ prompts: [prompt] }) => prompt === 'a boat'),
      (isSent) => isSent,
      10_000,
    ),
    orderBoat(boats),
  ]);
  const ending = end();
  while (release.length > 0) {
    for (const each of release.splice(0)) each();
    await setImmediate();
  }
  await ending;
  expect(sent).toBe(true);
});

test('references that never come keep no other workspace waiting, at the same provider either', async () => {
  await using farSide = await startFarSide(() => {});
  const looks = {
    form: 'DATA_URI',
    schemes: ['http'],
    formats: ['png'],
    maxBytes: 10_000,
    maxTotalBytes: null,
  } as const;
  const references = { ...looks, ratio: null, maxPixels: null, minSide: 1 };
  const provider = {
    ...batching(taken, 1),
    models: [sampleModel({ maxReferences: 1, references })],
    resultHosts: [farSide.host],
  };
  const prompts = Array.from({ length: 60 }, (_, i) => String(i));
  const input = { references: [{ uri: `${farSide.url}/kite.png` }] };
  const [, end] = await order(prompts, provider, { input });
  await until(
    () => farSide.seen.length,
    (count) => count > 0,
  );
  const other = await createGenerations({ ...stage.domain, catalogue: [provider] }, await stage.newCaller(), [
    sampleInput({ prompt: 'without any' }),
  ]);
  expect(other).toMatchObject([{ ok: true }]);
  await until(
    () => bodies.length,
    (count) => count === 1,
    10_000,
  );
  await farSide[Symbol.asyncDispose]();
  await end();
  expect(bodies).toEqual([{ prompts: ['without any'] }]);
}, 60_000);

const taken: Answer = () => ({ kind: 'ACCEPTED', providerTaskId: randomUUID(), credits: null, etaSeconds: null });

/** Once all the room there is has been taken. */
async function orderBoat(boats: Provider): Promise<void> {
  await until(
    () => bodies.length,
    (count) => count > 40,
    10_000,
  );
  const domain = { ...stage.domain, catalogue: [boats] };
  const [made] = await createGenerations(domain, await stage.newCaller(), [sampleInput({ prompt: 'a boat' })]);
  expect(made).toMatchObject({ ok: true });
}

test('when the rest of a batch cannot be claimed nobody claims to hold what could be', async () => {
  const { db } = stage.domain;
  await db.execute(sql`create function refuse_more() returns trigger language plpgsql as $$ begin
    if (select count(*) from tasks where worker_id is not null) > 64 then raise 'No more.'; end if;
    return null; end $$`);
  await db.execute(sql`create trigger refuse_more after update on tasks for each row execute function refuse_more()`);
  try {
    const prompts = Array.from({ length: 65 }, (_, i) => String(i));
    const sent: Answer = () => ({ kind: 'ACCEPTED', providerTaskId: 'batch', credits: null, etaSeconds: null });
    const [generations, end, holder] = await order(prompts, batching(sent, 100));
    const held = await until(
      async () => (await tasksOf(generations)).filter(({ workerId }) => workerId !== null),
      (all) => all.length === 64,
      10_000,
    );
    await holder.stop();
    expect(held.filter(({ id }) => holder.holds(id))).toEqual([]);
    await end();
    expect(bodies).toEqual([]);
  } finally {
    await db.execute(sql`drop function refuse_more cascade`);
  }
});

test('of a batch nothing is marked when one of it was canceled meanwhile: the others leave without it', async () => {
  const { domain } = stage;
  const [workerId, one, two] = [await registerWorker(domain), await stage.create(caller), await stage.create(caller)];
  const tasks = await claimTasks(domain, { workerId, statuses: ['QUEUED'], limit: 10 });
  await cancelGeneration(domain, caller, two.id);
  const submission = () => ({ id: newSubmissionId(), reference: randomUUID(), body: {} });
  const lost = tasks.filter(({ generationId }) => generationId === two.id).map(({ id }) => id);
  expect(await markSending(domain, tasks, submission())).toEqual({ kind: 'LOST', taskIds: lost });
  expect((await stage.reload(one.id)).tasks).toMatchObject([{ status: 'QUEUED', submissionId: null }]);
  const others = tasks.filter(({ id }) => !lost.includes(id));
  expect(await markSending(domain, others, submission())).toBeNull();
});

interface OrderOptions {
  input?: Partial<CreateInput>;
  domain?: Partial<Domain>;
  standing?: Standing;
  boats?: Provider;
}

/** Orders one generation for each prompt in one call, and lets a submitter of its own send them. */
async function order(
  prompts: string[],
  provider: Provider,
  { input = {}, domain: more = {}, standing = UNKNOWN_STANDING, boats }: OrderOptions = {},
): Promise<[Generation[], () => Promise<void>, TaskLoop]> {
  const domain: Domain = { ...stage.domain, catalogue: [provider], ...more };
  const inputs = prompts.map((prompt) => sampleInput({ prompt, images: 1, ...input }));
  const created = await createGenerations(domain, caller, inputs);
  const generations = created.flatMap((each) => (each.ok ? [each.generation] : []));
  const identity: Identity = createIdentity(domain, () => {});
  const fetch = createGuardedFetch({ allowedHosts: [] });
  const standings = { of: () => standing, refresh: async () => {} };
  const submitter = createSubmitter(domain, {
    providers: boats ? [provider, boats] : [provider],
    identity,
    callbackUrl: () => null,
    fetch,
    breaker: createBreaker(domain, standings),
    limits: createLimits(domain),
  });
  await identity.start();
  submitter.start();
  const end = async () => {
    await submitter.stop();
    await identity.stop();
    await fetch.stop();
  };
  return [generations, end, submitter];
}

function answering(answer: Answer): Provider {
  const provider = createFake(() => pending, {
    models: [sampleModel({ maxImages: 2 })],
    pollSchedule: { firstMs: 20, fastMs: 50, fastForMs: 60_000, slowMs: 50 },
    isSynchronous: true,
    compose: ({ prompt }) => ({ prompts: [prompt] }),
    submit: (body, _signal, onPartial) => hear(body as Body, answer, onPartial),
  });
  return provider;
}

function batching(answer: Answer, maxBatch = 50): Provider {
  const promptsOf = (requests: readonly ProviderRequest[]) => ({ prompts: requests.map(({ prompt }) => prompt) });
  return createFake(() => pending, {
    models: [sampleModel({ maxBatch })],
    compose: (request) => promptsOf([request]),
    batch: { compose: promptsOf, idOf: (batchId, place) => `${batchId}#${place}` },
    submit: (body) => hear(body as Body, answer),
  });
}

async function hear(body: Body, answer: Answer, onPartial?: OnPartial) {
  bodies.push(body);
  return { report: await answer(body, onPartial), exchange: sampleExchange() };
}

function settled(generations: Generation[], holds: (task: Task) => boolean): Promise<Task[]> {
  return until(
    () => tasksOf(generations),
    (tasks) => tasks.length === generations.length && tasks.every(holds),
    10_000,
  );
}

async function tasksOf(generations: Generation[]): Promise<Task[]> {
  const all = await Promise.all(generations.map(({ id }) => stage.reload(id)));
  return all.flatMap(({ tasks }) => tasks);
}
