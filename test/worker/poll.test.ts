import { sql } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import type { Domain } from '../../src/generation/domain.ts';
import type { PollReport } from '../../src/generation/provider-report.ts';
import { UNKNOWN_STANDING } from '../../src/generation/standing.ts';
import type { Provider } from '../../src/provider/provider.ts';
import { createIdentity } from '../../src/worker/identity.ts';
import { createPoller } from '../../src/worker/poll.ts';
import { createReconciler } from '../../src/worker/reconcile.ts';
import { insertMany, type Many } from '../generation/many.ts';
import { sampleImages, sampleModel, sampleTrouble } from '../generation/samples.ts';
import { openStage, type Stage } from '../generation/stage.ts';
import { until } from '../service/until.ts';
import { createFake, failed, pending } from './fake.ts';

const LEASE_MS = 900;
const TEN_MINUTES = 600_000;
const rightTime = Date.now;
const [FIRST, SECOND, THIRD, FOURTH] = ['tsk_00000001', 'tsk_00000002', 'tsk_00000003', 'tsk_00000004'] as const;

let stage: Stage;
let stops: (() => Promise<void>)[] = [];
beforeAll(async () => {
  stage = await openStage({ leaseMs: LEASE_MS });
});
beforeEach(() => stage.clear());
afterEach(async () => {
  for (const stop of stops.reverse()) await stop().catch(() => {});
  stops = [];
  vi.restoreAllMocks();
});
afterAll(() => stage.close());

test('an adapter that throws over one task is silent about that one: the others of its batch go on', async () => {
  await insert({ count: 3 });
  const answer = (id: string) => {
    if (id === SECOND) throw new Error('the parser stumbled');
    return failed;
  };
  const provider = createFake(answer, { pollBatch: 10, together: () => 'all' });
  await work([provider]);
  await until(statuses, (all) => all[FIRST] === 'FAILED' && all[THIRD] === 'FAILED');
  expect((await statuses())[SECOND]).toBe('ACCEPTED');
  expect(provider.groups.slice(0, 4)).toEqual([[FIRST, SECOND, THIRD], [FIRST], [SECOND], [THIRD]]);
  await until(
    () => timesAsked(provider, SECOND),
    (times) => times > 3,
  );
});

test('past its deadline a task over which the adapter throws is given up, as for silence', async () => {
  await insert({ count: 1, deadlineInMs: 300 });
  await work([
    createFake(() => {
      throw new Error('the parser stumbled');
    }),
  ]);
  await until(statuses, (all) => all[FIRST] === 'FAILED');
  expect(await failureOf(FIRST)).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
});

test('past its deadline the images that are there are kept, and the others are still asked for', async () => {
  await insert({ count: 1, deadlineInMs: 300 });
  await work([createFake(() => ({ kind: 'RUNNING', percent: null, etaSeconds: null, images: sampleImages(1) }))]);
  await until(statuses, (all) => all[FIRST] === 'FAILED');
  const rows = await stage.domain.db.execute(sql`
    select a.state, t.settle_until is not null as is_asked from assets a join tasks t on t.id = a.task_id`);
  expect([...rows]).toEqual([{ state: 'PENDING', is_asked: true }]);
});

test('news that cannot be written keeps that of no other from being written, and its task is given up in time', async () => {
  await insert({ count: 3, deadlineInMs: 700 });
  // PostgreSQL takes no NUL in a text.
  const unwritable = sampleTrouble({ message: 'NUL: \u0000' });
  await work([createFake((id) => (id === SECOND ? { kind: 'FAILED', failure: unwritable } : failed))]);
  await until(statuses, (all) => Object.values(all).every((status) => status === 'FAILED'));
  expect(await failureOf(FIRST)).toMatchObject({ code: 'PROVIDER_ERROR' });
  expect(await failureOf(SECOND)).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
});

test.each([TEN_MINUTES, -TEN_MINUTES])(
  'a worker whose clock is off by %i ms gives a task up neither early nor late: deadlines are the time of the database',
  async (off) => {
    vi.spyOn(Date, 'now').mockImplementation(() => rightTime() + off);
    await insert({ count: 1, deadlineInMs: 1_200 });
    const provider = createFake(() => pending);
    await work([provider]);
    await until(statuses, (all) => all[FIRST] === 'FAILED', 10_000);
    const [times] = await stage.domain.db.execute<{ late: number }>(sql`
      select extract(epoch from finished_at - deadline_at)::float8 as late from tasks`);
    expect(times?.late).toBeGreaterThanOrEqual(0);
    expect(times?.late).toBeLessThan(5);
    expect(timesAsked(provider, FIRST)).toBeGreaterThan(3);
  },
);

test('a worker that cannot prove its lease asks nobody: not while its heartbeat waits, and again once it came through', async () => {
  await insert({ count: 1 });
  const provider = createFake(() => pending);
  const { identity } = await work([provider]);
  await until(
    () => timesAsked(provider, FIRST),
    (times) => times > 2,
  );
  let whileUnproven: string[] = [];
  await stage.domain.db.transaction(async (tx) => {
    await tx.execute(sql`select id from workers for update`);
    await until(
      () => identity.isAlive(),
      (isAlive) => !isAlive,
    );
    provider.asked.length = 0;
    // That nothing happens is seen only after the time in which it would: here that of several polls.
    await tx.execute(sql`select pg_sleep(0.5)`);
    whileUnproven = [...provider.asked];
    expect(identity.isAlive()).toBe(false);
  });
  expect(whileUnproven).toEqual([]);
  await until(
    () => timesAsked(provider, FIRST),
    (times) => times > 0,
  );
});

test('a full worker still takes one task of each workspace of which it holds none, up to its reserve', async () => {
  const greedy = await newWorkspace();
  await insert({ workspaceId: greedy, count: 10 });
  const provider = createFake(() => pending);
  const { poller } = await work([provider], { most: 3, reserve: 2 });
  await until(
    () => poller.list(),
    ({ length }) => length === 3,
  );
  for (let i = 0; i < 3; i += 1) await insert({ workspaceId: await newWorkspace(), count: 2 });
  poller.wake();
  const held = await until(
    () => poller.list(),
    ({ length }) => length > 4,
  );
  expect(held).toEqual([FIRST, SECOND, THIRD, 'tsk_00000011', 'tsk_00000013']);
  await until(
    () => provider.asked,
    (asked) => asked.includes('tsk_00000013'),
  );
});

test('a provider that answers none of its requests takes none of those of another', async () => {
  const workspaceId = await newWorkspace();
  await insert({ workspaceId, count: 40, provider: 'hanging' });
  await insert({ workspaceId, count: 3 });
  const hanging = createFake((_id, signal) => neverAnswered(signal), { slug: 'hanging' });
  const kites = createFake(() => pending);
  await work([hanging, kites]);
  await until(
    () => hanging.asked,
    ({ length }) => length === 32,
  );
  await until(
    () => timesAsked(kites, 'tsk_00000043'),
    (times) => times > 2,
  );
  expect(hanging.asked).toHaveLength(32);
});

test('a task whose provider is not configured is given back, and the try does not count', async () => {
  await insert({ count: 1, provider: 'elsewhere' });
  await work([createFake(() => pending)]);
  const [row] = await until(
    () =>
      stage.domain.db.execute(sql`
      select tries, worker_id, next_at > clock_timestamp() + interval '20 s' as waits, lease_token from tasks`),
    ([task]) => task?.waits === true,
  );
  expect(row).toMatchObject({ tries: 0, worker_id: null, lease_token: 1 });
});

test('where a provider tells no percent, the history tells one: it rises in a few steps, marked as an estimate, until the end', async () => {
  await insert({ count: 2, status: 'ACCEPTED' });
  await stage.domain.db.execute(sql`update tasks set progress_basis = 'NONE'`);
  const standingOf = () => ({ ...UNKNOWN_STANDING, p50Seconds: 1 });
  const runs: PollReport = { kind: 'RUNNING', percent: null, etaSeconds: null };
  const models = [sampleModel({ model: 'm', progress: 'NONE' })];
  const answer = (id: string): PollReport => (id === FIRST ? runs : pending);
  await work([createFake(answer, { models })], undefined, { ...stage.domain, standingOf });
  const progress = () =>
    stage.domain.db.execute<{ status: string; percent: number | null; progress_basis: string }>(
      sql`select status, percent, progress_basis from tasks order by id`,
    );
  const rows = await until(progress, (all) => all.every(({ percent }) => (percent ?? 0) >= 80));
  expect(rows.map(({ status, progress_basis }) => [status, progress_basis])).toEqual([
    ['RUNNING', 'ESTIMATED'],
    ['ACCEPTED', 'ESTIMATED'],
  ]);
  expect((await stage.eventsOf('gen_00000001')).length).toBeLessThanOrEqual(20);
});

test('a task that kills whoever asks about it is set aside, its neighbours go on, and in the end it is given up', async () => {
  await insert({ count: 4 });
  await stage.domain.db.execute(sql`update tasks set tries = 1`);
  for (let deaths = 2; deaths <= 3; deaths += 1) {
    const mortal = await stage.another();
    const died = new Promise<void>((resolve) => {
      const provider = createFake(async (id, signal) => {
        if (id !== FOURTH) return pending;
        // The neighbours have their answers, and what is to be written is written.
        await until(
          () => tries(),
          (all) => deaths < 3 || Math.max(...Object.values(without(all, FOURTH))) === 0,
        );
        // Dead for all others: nothing that it does from now on reaches the database.
        void mortal.connection.stop().then(resolve);
        return neverAnswered(signal);
      });
      void work([provider], undefined, mortal.domain);
    });
    await died;
    expect((await tries())[FOURTH]).toBe(deaths);
  }
  const provider = createFake(() => failed);
  await work([provider]);
  await until(statuses, (all) => [FIRST, SECOND, THIRD].every((id) => all[id] === 'FAILED'));
  expect([(await statuses())[FOURTH], timesAsked(provider, FOURTH)]).toEqual(['ACCEPTED', 0]);

  await stage.domain.db.execute(sql`
    update tasks set tries = 8, worker_id = null, next_at = clock_timestamp() + interval '9 minutes',
      deadline_at = clock_timestamp() - interval '20 minutes' where id = ${FOURTH}`);
  await until(statuses, (all) => all[FOURTH] === 'FAILED');
  expect(await failureOf(FOURTH)).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
}, 40_000);

/** A worker's poller and reconciler, stopped after the test. */
async function work(providers: Provider[], room?: { most: number; reserve: number }, domain: Domain = stage.domain) {
  const identity = createIdentity(domain, () => poller.forget(poller.list()));
  const poller = createPoller(domain, providers, identity, { ...(room && { room }) });
  const reconciler = createReconciler(domain, identity, poller, [poller]);
  await identity.start();
  for (const loop of [poller, reconciler]) loop.start();
  stops.push(async () => {
    await Promise.all([poller.stop(), reconciler.stop()]);
    await identity.stop();
  });
  return { identity, poller };
}

async function insert(many: Partial<Many> & { count: number }): Promise<void> {
  await insertMany(stage.domain, { workspaceId: await newWorkspace(), status: 'ACCEPTED', ...many });
}

async function newWorkspace(): Promise<string> {
  return (await stage.newCaller()).workspaceId;
}

function timesAsked({ asked }: { asked: string[] }, id: string): number {
  return asked.filter((each) => each === id).length;
}

async function statuses(): Promise<Record<string, string>> {
  const rows = await stage.domain.db.execute<{ id: string; status: string }>(sql`select id, status from tasks`);
  return Object.fromEntries(rows.map(({ id, status }) => [id, status]));
}

async function tries(): Promise<Record<string, number>> {
  const rows = await stage.domain.db.execute<{ id: string; tries: number }>(sql`select id, tries from tasks`);
  return Object.fromEntries(rows.map(({ id, tries }) => [id, tries]));
}

function without(all: Record<string, number>, id: string): Record<string, number> {
  const { [id]: _, ...others } = all;
  return others;
}

async function failureOf(id: string): Promise<unknown> {
  const [row] = await stage.domain.db.execute(sql`select failure from tasks where id = ${id}`);
  return row?.failure;
}

function neverAnswered(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', reject));
}
