import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { tasks } from '../../src/db/schema.ts';
import { claimTasks, claimUnsettled } from '../../src/generation/claim.ts';
import type { Task } from '../../src/generation/types.ts';
import { insertMany } from './many.ts';
import { openStage, type Stage, taskOf, tell } from './stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
beforeEach(() => stage.clear());
afterAll(() => stage.close());

const claim = (workerId: string, limit = 500) => claimTasks(stage.domain, { workerId, statuses: ['QUEUED'], limit });

test('two workers that claim 200 tasks at once, in small bites, share them out: each goes to one', async () => {
  await createMany(200);
  const other = await stage.another();
  const bite = async (domain: typeof stage.domain, workerId: string) => {
    const mine: string[] = [];
    for (;;) {
      const got = await claimTasks(domain, { workerId, statuses: ['QUEUED'], limit: 7 });
      if (got.length === 0) return mine;
      expect(got.length).toBeLessThanOrEqual(7);
      mine.push(...got.map(({ id }) => id));
    }
  };
  const loops = [1, 2, 3].flatMap(() => [bite(stage.domain, 'wrk_a'), bite(other.domain, 'wrk_b')]);
  const shares = await Promise.all(loops);
  expect(shares.flat()).toHaveLength(200);
  expect(new Set(shares.flat()).size).toBe(200);
  const held = await stage.domain.db.execute(sql`
    select worker_id, lease_token, tries, count(*)::int as tasks from tasks group by 1, 2, 3 order by 1`);
  const [a, b] = [shares.filter((_, i) => i % 2 === 0).flat().length, shares.filter((_, i) => i % 2).flat().length];
  expect([...held]).toEqual(
    [
      { worker_id: 'wrk_a', lease_token: 1, tries: 1, tasks: a },
      { worker_id: 'wrk_b', lease_token: 1, tries: 1, tasks: b },
    ].filter((row) => row.tasks > 0),
  );
});

test.each([false, true])(
  'no more are claimed than asked for, whatever the planner knows (analyzed: %s)',
  async (analyzed) => {
    await createMany(40);
    if (analyzed) await stage.domain.db.execute(sql`analyze tasks`);
    for (const off of [
      ['hashjoin'],
      ['mergejoin'],
      ['hashagg', 'sort'],
      ['hashjoin', 'mergejoin', 'hashagg', 'sort', 'material'],
    ]) {
      const claimed = await stage.domain.db.transaction(async (tx) => {
        for (const strategy of off) await tx.execute(sql.raw(`set local enable_${strategy} = off`));
        return claimTasks({ ...stage.domain, db: tx as never }, { workerId: 'wrk_a', statuses: ['QUEUED'], limit: 3 });
      });
      expect([off, claimed.length]).toEqual([off, 3]);
    }
  },
);

test('the oldest due come first; what is not due, held or in another status stays', async () => {
  const caller = await stage.newCaller();
  const [later, first, second, held, canceled] = await Promise.all([1, 2, 3, 4, 5].map(() => stage.create(caller)));
  if (!later || !first || !second || !held || !canceled) throw new Error('five');
  await dueIn(taskOf(later).id, 60_000);
  await dueIn(taskOf(first).id, -3_000);
  await dueIn(taskOf(second).id, -2_000);
  await stage.domain.db.execute(sql`update tasks set worker_id = 'wrk_b' where id = ${taskOf(held).id}`);
  await tell(stage.domain, canceled, { kind: 'CANCEL', taskId: taskOf(canceled).id });
  expect((await claim('wrk_a', 1)).map(({ id }) => id)).toEqual([taskOf(first).id]);
  expect((await claim('wrk_a')).map(({ id }) => id)).toEqual([taskOf(second).id]);
  expect(await claim('wrk_a')).toEqual([]);
});

test('the first due task of every workspace comes before the second of any', async () => {
  const [many, few, one] = [await newWorkspace(), await newWorkspace(), await newWorkspace()];
  await insertMany(stage.domain, { workspaceId: many, count: 9, dueInMs: -60_000 });
  await insertMany(stage.domain, { workspaceId: few, count: 2, dueInMs: -2_000 });
  await insertMany(stage.domain, { workspaceId: one, count: 1, dueInMs: -1_000 });
  expect(workspacesOf(await claim('wrk_a', 1))).toEqual([many]);
  expect(workspacesOf(await claim('wrk_a', 4))).toEqual([many, many, few, one]);
  expect(workspacesOf(await claim('wrk_a', 2))).toEqual([many, few]);
  expect(workspacesOf(await claim('wrk_a', 99))).toEqual(Array(5).fill(many));
});

test('behind 10,000 due tasks of one workspace and 10,000 undue of another, the task of a third is in the next claim', async () => {
  const [greedy, patient, third] = [await newWorkspace(), await newWorkspace(), await newWorkspace()];
  await insertMany(stage.domain, { workspaceId: greedy, count: 10_000, dueInMs: -3_600_000 });
  await insertMany(stage.domain, { workspaceId: patient, count: 10_000, dueInMs: 60_000 });
  await insertMany(stage.domain, { workspaceId: third, count: 1, dueInMs: 0 });
  expect(workspacesOf(await claim('wrk_a', 16))).toEqual([...Array(15).fill(greedy), third]);
});

test('a claim that is not full is no end: whoever claims until nothing comes has it all, in two claims', async () => {
  for (let i = 0; i < 40; i += 1) await createMany(1);
  await createMany(400);
  const counts = [await claim('wrk_a'), await claim('wrk_a'), await claim('wrk_a')].map(({ length }) => length);
  expect([counts.reduce((sum, count) => sum + count), counts[2]]).toEqual([440, 0]);
});

test('one task each of workspaces that are new to the worker, for one that has no room left', async () => {
  const [known, first, second] = [await newWorkspace(), await newWorkspace(), await newWorkspace()];
  for (const workspaceId of [known, first, second]) await insertMany(stage.domain, { workspaceId, count: 5 });
  const claimNew = (onlyNewTo: string[]) =>
    claimTasks(stage.domain, { workerId: 'wrk_a', statuses: ['QUEUED', 'ACCEPTED'], limit: 9, onlyNewTo });
  expect(workspacesOf(await claimNew([known]))).toEqual([first, second]);
  expect(workspacesOf(await claimNew([known, first, second]))).toEqual([]);
  expect(workspacesOf(await claimNew([]))).toEqual([known, first, second]);
});

test('final tasks that are not settled yet are claimed alike: the first of every workspace, when it is due', async () => {
  const [many, one] = [await newWorkspace(), await newWorkspace()];
  await insertMany(stage.domain, { workspaceId: many, count: 3, status: 'FAILED' });
  await insertMany(stage.domain, { workspaceId: one, count: 2, status: 'CANCELED' });
  await stage.domain.db.execute(sql`update tasks set finished_at = clock_timestamp(),
    settle_until = case when id < 'tsk_00000005' then clock_timestamp() + interval '1 h' end`);
  const claimed = await claimUnsettled(stage.domain, { workerId: 'wrk_a', limit: 2 });
  expect(workspacesOf(claimed)).toEqual([many, one]);
  expect(claimed).toMatchObject(Array(2).fill({ workerId: 'wrk_a', leaseToken: 1, tries: 1 }));
  await dueIn('tsk_00000002', 60_000);
  expect((await claimUnsettled(stage.domain, { workerId: 'wrk_a', limit: 9 })).map(({ id }) => id)).toEqual([
    'tsk_00000003',
  ]);
  expect(await claim('wrk_a')).toEqual([]);
});

test('a claim answers the task as it now stands: held, one token and one try further', async () => {
  const generation = await stage.create(await stage.newCaller());
  const [claimed] = await claim('wrk_a');
  expect(claimed).toEqual({ ...taskOf(generation), workerId: 'wrk_a', leaseToken: 1, tries: 1 });
  expect(taskOf(await stage.reload(generation.id))).toEqual(claimed);
});

test('a claim of none asks for nothing', async () => {
  await createMany(1);
  expect([await claim('wrk_a', 0), await claim('wrk_a', -3)]).toEqual([[], []]);
  expect(await stage.domain.db.select().from(tasks)).toEqual([expect.objectContaining({ workerId: null, tries: 0 })]);
});

async function createMany(count: number): Promise<void> {
  await insertMany(stage.domain, { workspaceId: await newWorkspace(), count });
}

async function newWorkspace(): Promise<string> {
  return (await stage.newCaller()).workspaceId;
}

/** Whose they are, in the order of ids, which is that of making. */
function workspacesOf(tasks: Task[]): string[] {
  return tasks.toSorted((a, b) => (a.id < b.id ? -1 : 1)).map(({ workspaceId }) => workspaceId);
}

async function dueIn(id: string, ms: number): Promise<void> {
  await stage.domain.db.execute(
    sql`update tasks set next_at = clock_timestamp() + ${ms} * interval '1 millisecond' where id = ${id}`,
  );
}
