import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { askLeave, closeProvider, type Leave, openProvider, returnTrial } from '../../src/generation/breaker-state.ts';
import { claimTasks } from '../../src/generation/claim.ts';
import { registerWorker } from '../../src/generation/lease.ts';
import { recallTurnedAway } from '../../src/generation/recall.ts';
import { recordReports } from '../../src/generation/record.ts';
import type { Routing, Task } from '../../src/generation/types.ts';
import { the } from './reports.ts';
import { sampleTrouble } from './samples.ts';
import { openStage, type Stage, taskOf } from './stage.ts';

const KITES = { provider: 'kites', mode: 'TEST' as const };
const BOATS = { provider: 'boats', mode: 'TEST' as const };
type Key = typeof KITES | typeof BOATS;

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
beforeEach(() => stage.clear());
afterAll(() => stage.close());

test.each([
  ['ended well', (trial: string) => closeProvider(stage.domain.db, KITES, trial)],
  ['was not made after all', (trial: string) => returnTrial(stage.domain.db, KITES, trial)],
])('what was turned away because of a trial that %s in that very instant is called', async (_, endTrial) => {
  const task = await claim();
  const trial = await openAndTry(KITES);
  const seen = await lookAt(KITES);
  await endTrial(trial);
  await turnAway(task, seen);
  expect(await readWait(task)).toBeGreaterThan(500);
  expect(await recallTurnedAway(stage.domain)).toBe(1);
  expect(await readWait(task)).toBeLessThanOrEqual(0);
  // Once.
  expect(await recallTurnedAway(stage.domain)).toBe(0);
});

test('what waits at one that is away is called when another is well, or its pause is over, and not before', async () => {
  const task = await claim();
  const [, trial] = [await openAndTry(KITES), await openAndTry(BOATS)];
  await turnAway(task, await lookAt(KITES));
  expect(await recallTurnedAway(stage.domain)).toBe(0);
  await closeProvider(stage.domain.db, { ...BOATS, mode: 'LIVE' }, trial);
  expect(await recallTurnedAway(stage.domain)).toBe(0);
  // Its pause had been over already.
  await returnTrial(stage.domain.db, BOATS, trial);
  expect(await recallTurnedAway(stage.domain)).toBe(0);
  await endPause(BOATS);
  expect(await recallTurnedAway(stage.domain)).toBe(1);
  await turnAwayAgain(task);
  const leave = await askLeave(stage.domain.db, BOATS, 600_000);
  expect(await recallTurnedAway(stage.domain)).toBe(0);
  await closeProvider(stage.domain.db, BOATS, leave.kind === 'TRIAL' ? leave.trial : '');
  expect(await recallTurnedAway(stage.domain)).toBe(1);
});

test('one that had to wait before it may go back where it is well is called once more then', async () => {
  const task = await claim();
  await openAndTry(KITES);
  await closeProvider(stage.domain.db, BOATS, await openAndTry(BOATS));
  const passes = (seconds: number) =>
    stage.domain.db.execute(sql`
    update provider_states set well_at = well_at - ${seconds}::int * interval '1 second'`);
  await passes(10);
  await turnAway(task, await lookAt(KITES));
  expect(await recallTurnedAway(stage.domain)).toBe(0);
  await passes(32);
  await stage.domain.db.execute(sql`update tasks set turned_away_at = turned_away_at - interval '32 seconds'`);
  expect(await recallTurnedAway(stage.domain)).toBe(1);
  await stage.domain.db.execute(sql`update tasks set next_at = clock_timestamp() + interval '1 minute'`);
  await passes(60);
  expect(await recallTurnedAway(stage.domain)).toBe(0);
});

test.each<[string, Partial<Routing>, number]>([
  ['goes nowhere else', { onFailure: 'FAIL' }, 0],
  ['may go to others', { providers: ['kites', 'trains'] }, 0],
  ['may go to it', { providers: ['kites', 'boats'] }, 1],
])('another that is well is no news for what %s', async (_, routing, called) => {
  const task = await claim();
  const change = sql`routing || ${JSON.stringify(routing)}::jsonb`;
  await stage.domain.db.execute(sql`update generations set routing = ${change} where id = ${task.generationId}`);
  await openAndTry(KITES);
  await turnAway(task, await lookAt(KITES));
  await closeProvider(stage.domain.db, BOATS, await openAndTry(BOATS));
  expect(await recallTurnedAway(stage.domain)).toBe(called);
});

test('nobody is called for what was well long before, nor who waits for a reason of their own', async () => {
  const [turnedAway, delayed] = [await claim(), await claim()];
  const trial = await openAndTry(BOATS);
  await closeProvider(stage.domain.db, BOATS, trial);
  await stage.domain.db.execute(sql`update provider_states set well_at = clock_timestamp() - interval '4 seconds'`);
  await openAndTry(KITES);
  await turnAway(turnedAway, await lookAt(KITES));
  expect(await recallTurnedAway(stage.domain)).toBe(0);
  const { id: taskId, generationId, leaseToken: token } = delayed;
  await recordReports(stage.domain, [{ generationId, report: { kind: 'DELAYED', taskId, token, delayMs: 600_000 } }]);
  await stage.domain.db.execute(sql`update provider_states set well_at = clock_timestamp()`);
  expect(await recallTurnedAway(stage.domain)).toBe(1);
  expect(await readWait(delayed)).toBeGreaterThan(500);
});

test('one that others have locked in that instant is waited for, not passed over', async () => {
  const task = await claim();
  const trial = await openAndTry(KITES);
  await turnAway(task, await lookAt(KITES));
  await closeProvider(stage.domain.db, KITES, trial);
  const other = await stage.another();
  let recalled = Promise.resolve(0);
  await other.domain.db.transaction(async (tx) => {
    await tx.execute(sql`select 1 from tasks for update`);
    recalled = recallTurnedAway(stage.domain);
    await expect.poll(() => countWaiting()).toBe(1);
  });
  expect(await recalled).toBe(1);
});

async function claim(): Promise<Task> {
  const { id } = await stage.create(await stage.newCaller());
  const workerId = await registerWorker(stage.domain);
  const tasks = await claimTasks(stage.domain, { workerId, statuses: ['QUEUED'], limit: 10 });
  return the(tasks.find(({ generationId }) => generationId === id));
}

async function openAndTry(key: Key): Promise<string> {
  const why = { code: 'PROVIDER_ERROR' as const, reason: 'It was away.' };
  await openProvider(stage.domain.db, key, why, { firstMs: 0, longestMs: 0, leastMs: 0 }, null);
  const leave = await askLeave(stage.domain.db, key, 600_000);
  return leave.kind === 'TRIAL' ? leave.trial : '';
}

async function endPause({ provider }: Key): Promise<void> {
  await stage.domain.db.execute(sql`
    update provider_states set open_until = clock_timestamp() where provider = ${provider}`);
}

async function lookAt(key: Key): Promise<Extract<Leave, { kind: 'OPEN' }>> {
  const leave = await askLeave(stage.domain.db, key, 600_000);
  if (leave.kind !== 'OPEN') throw new Error('it is not open');
  return leave;
}

async function turnAway(
  { id: taskId, generationId, leaseToken: token }: Task,
  { seenAt, forMs: delayMs }: { seenAt: Date; forMs: number },
): Promise<void> {
  const failure = sampleTrouble({ billed: 'NO' });
  const report = { kind: 'TURNED_AWAY' as const, taskId, token, failure, seenAt, delayMs };
  await recordReports(stage.domain, [{ generationId, report }]);
  expect(taskOf(await stage.reload(generationId))).toMatchObject({ status: 'QUEUED', turnedAwayAt: seenAt });
}

/** By a worker that took it up after it was called. */
async function turnAwayAgain({ id }: Task): Promise<void> {
  const workerId = await registerWorker(stage.domain);
  const tasks = await claimTasks(stage.domain, { workerId, statuses: ['QUEUED'], limit: 10 });
  await stage.domain.db.execute(sql`update provider_states set well_at = null where provider = 'boats'`);
  await turnAway(the(tasks.find((task) => task.id === id)), await lookAt(KITES));
}

/** In how many seconds it is due. */
async function readWait({ id }: Task): Promise<number> {
  const [row] = await stage.domain.db.execute<{ s: number }>(sql`
    select extract(epoch from next_at - clock_timestamp())::float8 as s from tasks where id = ${id}`);
  return the(row).s;
}

async function countWaiting(): Promise<number> {
  const { count } = await stage.domain.db.execute(sql`
    select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`);
  return count;
}
