import { randomUUID } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { submissions } from '../../src/db/schema.ts';
import { claimTasks } from '../../src/generation/claim.ts';
import { expireTasks } from '../../src/generation/expire.ts';
import {
  absolveTasks,
  keepAlive,
  listHeldTaskIds,
  registerWorker,
  releaseTasks,
  retireWorker,
  setTaskAside,
  takeOverFromTheSilent,
} from '../../src/generation/lease.ts';
import type { SubmitReport } from '../../src/generation/provider-report.ts';
import type { SentSubmission } from '../../src/generation/provider-request.ts';
import { recordSubmission } from '../../src/generation/record-submission.ts';
import { markSending, newSubmissionId } from '../../src/generation/send.ts';
import type { Generation, Task, TaskStatus } from '../../src/generation/types.ts';
import { insertMany } from './many.ts';
import { sampleExchange, sampleFacts, sampleTrouble } from './samples.ts';
import { accept, finished, openStage, running, type Stage, taskOf, tell } from './stage.ts';

const HOLD_MS = 60_000;
const accepted: SubmitReport = { kind: 'ACCEPTED', providerTaskId: 'theirs-1', credits: null, etaSeconds: null };

let stage: Stage;
beforeAll(async () => {
  stage = await openStage({ uncertainHoldMs: HOLD_MS });
});
beforeEach(() => stage.clear());
afterAll(() => stage.close());

test('the lease fence: what a worker says of a task that another took over changes nothing, a poll, a stored image, a delay', async () => {
  const [a, b] = await registerTwo();
  const generation = await accept(stage, await stage.create(await stage.newCaller()));
  const heldByA = await claimed(generation, a, 'ACCEPTED');
  const ofA = { ...generation, tasks: [heldByA] };
  await fallSilent(a);
  await takeOverFromTheSilent(stage.domain);
  const heldByB = await claimed(generation, b, 'ACCEPTED');
  expect(heldByB.leaseToken).toBeGreaterThan(heldByA.leaseToken);
  const before = await state(generation);
  await tell(stage.domain, generation, running(ofA, 80));
  await tell(stage.domain, generation, finished(ofA, 1));
  await tell(stage.domain, generation, { kind: 'DELAYED', taskId: heldByA.id, token: heldByA.leaseToken, delayMs: 5 });
  expect(await state(generation)).toEqual(before);
  const collecting = await tell(stage.domain, generation, finished({ ...generation, tasks: [heldByB] }, 1));
  const assetId = collecting.assets[0]?.id ?? '';
  const stored = { kind: 'STORED', taskId: heldByA.id, assetId, facts: sampleFacts() } as const;
  expect(await tell(stage.domain, generation, { ...stored, token: heldByA.leaseToken })).toEqual(collecting);
  const after = await tell(stage.domain, generation, { ...stored, token: heldByB.leaseToken });
  expect(after.status).toBe('SUCCEEDED');
});

test('a task that was claimed but not sent yet goes to the next worker, and the first may not send it any more', async () => {
  const [a, b] = await registerTwo();
  const generation = await stage.create(await stage.newCaller());
  const heldByA = await claimed(generation, a, 'QUEUED');
  await fallSilent(a);
  await takeOverFromTheSilent(stage.domain);
  expect(await markSending(stage.domain, [heldByA], newSubmission())).toMatchObject({ kind: 'LOST' });
  expect(await stage.domain.db.select().from(submissions)).toEqual([]);
  const heldByB = await claimed(generation, b, 'QUEUED');
  expect(await markSending(stage.domain, [heldByB], newSubmission())).toBeNull();
});

test('what a silent worker was sending becomes UNCERTAIN, then OUTCOME_UNKNOWN when the hold is over: never QUEUED', async () => {
  const [a, b] = await registerTwo();
  const { generation } = await sending(a);
  await fallSilent(a);
  await takeOverFromTheSilent(stage.domain);
  const uncertain = taskOf(await stage.reload(generation.id));
  expect(uncertain).toMatchObject({ status: 'UNCERTAIN', workerId: null, failure: { code: 'OUTCOME_UNKNOWN' } });
  await takeOverFromTheSilent(stage.domain);
  expect(taskOf(await stage.reload(generation.id))).toEqual(uncertain);
  expect(await claimAll(b)).toEqual([]);
  expect(await expireTasks(stage.domain, 10)).toBe(0);
  await endHold(uncertain);
  expect(await expireTasks(stage.domain, 10)).toBe(1);
  const after = await stage.reload(generation.id);
  expect(after).toMatchObject({ status: 'FAILED', failure: { code: 'OUTCOME_UNKNOWN', billed: 'UNKNOWN' } });
  expect((await stage.eventsOf(generation.id)).map(({ type, taskStatus }) => [type, taskStatus])).toEqual([
    ['GENERATION_CREATED', null],
    ['TASK_CHANGED', 'SUBMITTING'],
    ['TASK_CHANGED', 'UNCERTAIN'],
    ['TASK_CHANGED', 'FAILED'],
    ['GENERATION_FINISHED', null],
  ]);
  expect(await claimAll(b)).toEqual([]);
});

test('an answer that comes late adopts the UNCERTAIN task', async () => {
  const [a] = await registerTwo();
  const { generation, task, submissionId } = await sending(a);
  await fallSilent(a);
  await takeOverFromTheSilent(stage.domain);
  await recordSubmission(stage.domain, [{ task, report: accepted }], submissionId, sampleExchange());
  expect(taskOf(await stage.reload(generation.id))).toMatchObject({
    status: 'ACCEPTED',
    providerTaskId: 'theirs-1',
    submissionId,
    failure: null,
  });
});

test('an answer to another submission adopts nothing', async () => {
  const [a] = await registerTwo();
  const { generation, task } = await sending(a);
  const before = await state(generation);
  await recordSubmission(stage.domain, [{ task, report: accepted }], 'sub_other', sampleExchange());
  expect(await state(generation)).toEqual(before);
});

test('a late refusal for now proves that it may be sent again: under a new submission', async () => {
  const [a, b] = await registerTwo();
  const { generation, task, submissionId } = await sending(a);
  await fallSilent(a);
  await takeOverFromTheSilent(stage.domain);
  const notNow: SubmitReport = { kind: 'NOT_NOW', failure: sampleTrouble(), retryAfterMs: null };
  await recordSubmission(stage.domain, [{ task, report: notNow }], submissionId, sampleExchange());
  expect(taskOf(await stage.reload(generation.id))).toMatchObject({ status: 'QUEUED', submissionId: null });
  await stage.domain.db.execute(sql`update tasks set next_at = clock_timestamp()`);
  expect(await markSending(stage.domain, [await claimed(generation, b, 'QUEUED')], newSubmission())).toBeNull();
});

test('an answer that is recorded twice changes nothing the second time', async () => {
  const [a] = await registerTwo();
  const { generation, task, submissionId } = await sending(a);
  await recordSubmission(stage.domain, [{ task, report: accepted }], submissionId, sampleExchange());
  const once = await state(generation);
  const other: SubmitReport = { ...accepted, providerTaskId: 'theirs-2' };
  await recordSubmission(stage.domain, [{ task, report: accepted }], submissionId, sampleExchange());
  await recordSubmission(stage.domain, [{ task, report: other }], submissionId, sampleExchange());
  expect(await state(generation)).toEqual(once);
});

test('a body is frozen with its task marked SUBMITTING in one transaction, and a task is marked once', async () => {
  const [a] = await registerTwo();
  const generation = await stage.create(await stage.newCaller());
  const task = await claimed(generation, a, 'QUEUED');
  const all = [1, 2, 3, 4].map((n) => newSubmission({ n }));
  const marks = await Promise.all(all.map((submission) => markSending(stage.domain, [task], submission)));
  const made = all.filter((_, i) => marks[i] === null);
  expect(made).toHaveLength(1);
  expect(await stage.domain.db.select().from(submissions)).toEqual([
    expect.objectContaining({ ...made[0], provider: 'kites' }),
  ]);
  expect(taskOf(await stage.reload(generation.id))).toMatchObject({ status: 'SUBMITTING', submissionId: made[0]?.id });
});

test('a canceled task is not sent', async () => {
  const [a] = await registerTwo();
  const generation = await stage.create(await stage.newCaller());
  const task = await claimed(generation, a, 'QUEUED');
  await tell(stage.domain, generation, { kind: 'CANCEL', taskId: task.id });
  expect(await markSending(stage.domain, [task], newSubmission())).toMatchObject({ kind: 'LOST' });
  expect(await stage.domain.db.select().from(submissions)).toEqual([]);
});

test('a worker that beats keeps its tasks; one that was taken over from is told so', async () => {
  const [a, b] = await registerTwo();
  const generation = await stage.create(await stage.newCaller());
  const task = await claimed(generation, a, 'QUEUED');
  expect(await keepAlive(stage.domain, a)).not.toBe(null);
  await takeOverFromTheSilent(stage.domain);
  expect(await listHeldTaskIds(stage.domain, a)).toEqual([task.id]);
  await fallSilent(a);
  await takeOverFromTheSilent(stage.domain);
  expect(await listHeldTaskIds(stage.domain, a)).toEqual([]);
  expect([await keepAlive(stage.domain, a), await keepAlive(stage.domain, b)]).toEqual([null, expect.any(Number)]);
});

test('a worker that was late but that nobody took over from is alive again', async () => {
  const [a] = await registerTwo();
  await fallSilent(a);
  expect(await keepAlive(stage.domain, a)).not.toBe(null);
  await takeOverFromTheSilent(stage.domain);
  expect(await keepAlive(stage.domain, a)).not.toBe(null);
});

test('a worker that retires gives back its tasks at once; what it was sending becomes UNCERTAIN', async () => {
  const [a, b] = await registerTwo();
  const { generation } = await sending(a);
  const waiting = await stage.create(await stage.newCaller());
  await claimed(waiting, a, 'QUEUED');
  await retireWorker(stage.domain, a);
  expect((await claimAll(b)).map(({ generationId }) => generationId)).toEqual([waiting.id]);
  expect(taskOf(await stage.reload(generation.id))).toMatchObject({ status: 'SUBMITTING', workerId: a });
  await takeOverFromTheSilent(stage.domain);
  expect(taskOf(await stage.reload(generation.id))).toMatchObject({ status: 'UNCERTAIN', workerId: null });
});

test.each([
  ['retires', (a: string) => retireWorker(stage.domain, a)],
  ['releases', async (a: string) => releaseTasks(stage.domain, a, await listHeldTaskIds(stage.domain, a))],
])(
  'a worker that %s waits for its tasks in the order of their ids, as all others do, so never in a circle',
  async (_verb, giveBack) => {
    const [a] = await registerTwo();
    const caller = await stage.newCaller();
    const [first, second] = [taskOf(await stage.create(caller)), taskOf(await stage.create(caller))];
    // The row of the second is written first, so that a scan meets it first.
    for (const { id } of [second, first]) {
      await stage.domain.db.execute(sql`update tasks set worker_id = ${a} where id = ${id}`);
    }
    let giving: Promise<void> = Promise.resolve();
    await stage.domain.db.transaction(async (tx) => {
      await tx.execute(sql`select id from tasks where id = ${first.id} for update`);
      giving = giveBack(a);
      giving.catch(() => {});
      await expect.poll(waitingForLocks).toBe(1);
      await tx.execute(sql`select id from tasks where id = ${second.id} for update`);
    });
    await giving;
    expect(await listHeldTaskIds(stage.domain, a)).toEqual([]);
  },
);

test('several reconcilers at once take over each task once', async () => {
  const [a] = await registerTwo();
  const all = [await sending(a), await sending(a), await sending(a), await sending(a)];
  await fallSilent(a);
  const other = await stage.another();
  await Promise.all([stage, other, stage, other].map(({ domain }) => takeOverFromTheSilent(domain)));
  for (const { generation } of all) {
    const events = await stage.eventsOf(generation.id);
    expect(events.map(({ taskStatus }) => taskStatus)).toEqual([null, 'SUBMITTING', 'UNCERTAIN']);
  }
});

test('1,200 tasks of a silent worker are taken over, each once; what somebody has locked is left for the next round', async () => {
  const [a, b] = await registerTwo();
  await insertMany(stage.domain, { workspaceId: (await stage.newCaller()).workspaceId, count: 1_200 });
  const { db } = stage.domain;
  await db.execute(
    sql`update tasks set lease_token = 1, worker_id = case when id = 'tsk_00000001' then ${b} else ${a} end`,
  );
  await fallSilent(a);
  await db.transaction(async (tx) => {
    await tx.execute(sql`select id from tasks where id = 'tsk_00000002' for update`);
    const other = await stage.another();
    await Promise.all([stage, other].map(({ domain }) => takeOverFromTheSilent(domain)));
  });
  const held = () =>
    db.execute(sql`
    select worker_id, lease_token, count(*)::int as tasks from tasks group by 1, 2 order by 3`);
  const ofB = { worker_id: b, lease_token: 1, tasks: 1 };
  expect([...(await held())]).toEqual([
    expect.objectContaining({ tasks: 1 }),
    expect.objectContaining({ tasks: 1 }),
    { worker_id: null, lease_token: 2, tasks: 1_198 },
  ]);
  await takeOverFromTheSilent(stage.domain);
  expect([...(await held())]).toEqual([ofB, { worker_id: null, lease_token: 2, tasks: 1_199 }]);
});

test('150 submissions of a silent worker become UNCERTAIN in one round', async () => {
  const [a] = await registerTwo();
  await insertMany(stage.domain, { workspaceId: (await stage.newCaller()).workspaceId, count: 150 });
  await stage.domain.db.execute(sql`update tasks set worker_id = ${a}, status = 'SUBMITTING'`);
  await fallSilent(a);
  await takeOverFromTheSilent(stage.domain);
  const rows = await stage.domain.db.execute(sql`select status, count(*)::int as tasks from tasks group by 1`);
  expect([...rows]).toEqual([{ status: 'UNCERTAIN', tasks: 150 }]);
});

test('a task that nobody survived is set aside: not the first two times, then 2, 4 s … 10 minutes, or up to half of it less', async () => {
  const [a] = await registerTwo();
  await insertMany(stage.domain, { workspaceId: (await stage.newCaller()).workspaceId, count: 13 });
  await stage.domain.db.execute(sql`update tasks set worker_id = ${a}, tries = substr(id, 5)::int`);
  await fallSilent(a);
  await takeOverFromTheSilent(stage.domain);
  const rows = await asideSeconds();
  const most = [0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600];
  expect(rows.map(({ tries }) => tries)).toEqual(most.map((_, i) => i + 1));
  for (const [i, { seconds }] of rows.entries()) {
    expect(seconds).toBeLessThanOrEqual(most[i] ?? 0);
    // What has passed since.
    expect(seconds).toBeGreaterThan((most[i] ?? 0) / 2 - 5);
  }
});

test('a task with which the work failed is set aside in the same way, and what was handled begins anew', async () => {
  const [a] = await registerTwo();
  await insertMany(stage.domain, { workspaceId: (await stage.newCaller()).workspaceId, count: 3 });
  await stage.domain.db.execute(sql`update tasks set worker_id = ${a}, tries = 9`);
  await setTaskAside(stage.domain, { id: 'tsk_00000001', leaseToken: 0 });
  await absolveTasks(stage.domain, a, ['tsk_00000002']);
  await absolveTasks(stage.domain, 'wrk_other', ['tsk_00000003']);
  await setTaskAside(stage.domain, { id: 'tsk_00000003', leaseToken: 1 });
  const [first, second, third] = await asideSeconds();
  expect([first, second, third].map((row) => [row?.tries, row?.worker_id])).toEqual([
    [9, null],
    [0, a],
    [9, a],
  ]);
  expect(first?.seconds).toBeGreaterThan(50);
});

test.each([
  ['retires', (a: string) => retireWorker(stage.domain, a)],
  ['releases', async (a: string) => releaseTasks(stage.domain, a, await listHeldTaskIds(stage.domain, a))],
])('what a worker that %s gives back is due at once, and the try does not count', async (_verb, giveBack) => {
  const [a] = await registerTwo();
  await insertMany(stage.domain, { workspaceId: (await stage.newCaller()).workspaceId, count: 1_100 });
  const { db } = stage.domain;
  await db.execute(sql`
    update tasks set worker_id = ${a}, tries = 3, next_at = clock_timestamp() + interval '1 minute'`);
  await db.execute(sql`update tasks set tries = 0 where id = 'tsk_00000001'`);
  await giveBack(a);
  const rows = await db.execute(sql`
    select tries, worker_id, next_at <= clock_timestamp() as due, count(*)::int as tasks from tasks group by 1, 2, 3
    order by tries`);
  expect([...rows]).toEqual([
    { tries: 0, worker_id: null, due: true, tasks: 1 },
    { tries: 2, worker_id: null, due: true, tasks: 1_099 },
  ]);
});

test('past its deadline a task that no provider has is ended, with nobody looking at it', async () => {
  const generation = await stage.create(await stage.newCaller());
  expect(await expireTasks(stage.domain, 10)).toBe(0);
  await stage.domain.db.execute(sql`update tasks set deadline_at = clock_timestamp()`);
  expect(await expireTasks(stage.domain, 10)).toBe(1);
  expect(await stage.reload(generation.id)).toMatchObject({ status: 'FAILED', failure: { code: 'DEADLINE_EXCEEDED' } });
  expect(await expireTasks(stage.domain, 10)).toBe(0);
});

test('past its deadline a task that a provider accepted is left for a last look: it may be finished', async () => {
  const generation = await accept(stage, await stage.create(await stage.newCaller()));
  await stage.domain.db.execute(sql`update tasks set deadline_at = clock_timestamp()`);
  expect(await expireTasks(stage.domain, 10)).toBe(0);
  expect(await stage.reload(generation.id)).toMatchObject({ status: 'RUNNING', failure: null });
});

/** Of every task, in the order of ids: its tries, its holder, and for how many seconds it is not due. */
async function asideSeconds() {
  return stage.domain.db.execute<{ tries: number; worker_id: string | null; seconds: number }>(sql`
    select tries, worker_id, extract(epoch from next_at - clock_timestamp())::float8 as seconds from tasks order by id`);
}

async function registerTwo(): Promise<[string, string]> {
  return [await registerWorker(stage.domain), await registerWorker(stage.domain)];
}

function newSubmission(body: Record<string, unknown> = { prompt: 'a red kite' }): SentSubmission {
  return { id: newSubmissionId(), reference: randomUUID(), body };
}

/** A task that this worker is just sending. */
async function sending(workerId: string): Promise<{ generation: Generation; task: Task; submissionId: string }> {
  const generation = await stage.create(await stage.newCaller());
  const task = await claimed(generation, workerId, 'QUEUED');
  const submission = newSubmission();
  if (await markSending(stage.domain, [task], submission)) throw new Error('It may be sent.');
  return { generation, task, submissionId: submission.id };
}

async function claimed({ id }: Generation, workerId: string, status: TaskStatus): Promise<Task> {
  const tasks = await claimTasks(stage.domain, { workerId, statuses: [status], limit: 100 });
  const task = tasks.find(({ generationId }) => generationId === id);
  if (!task) throw new Error('It is not to be claimed.');
  return task;
}

function claimAll(workerId: string): Promise<Task[]> {
  const statuses: TaskStatus[] = ['QUEUED', 'SUBMITTING', 'ACCEPTED', 'RUNNING', 'COLLECTING', 'FAILED'];
  return claimTasks(stage.domain, { workerId, statuses, limit: 100 });
}

async function fallSilent(workerId: string): Promise<void> {
  await stage.domain.db.execute(
    sql`update workers set alive_until = clock_timestamp() - interval '1 second' where id = ${workerId}`,
  );
}

async function waitingForLocks(): Promise<number> {
  const [row] = await stage.domain.db.execute<{ waiting: number }>(sql`
    select count(*)::int as waiting from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`);
  return row?.waiting ?? 0;
}

async function endHold({ id }: Task): Promise<void> {
  await stage.domain.db.execute(sql`update tasks set hold_until = clock_timestamp() where id = ${id}`);
}

async function state(generation: Generation) {
  return { generation: await stage.reload(generation.id), events: await stage.eventsOf(generation.id) };
}
