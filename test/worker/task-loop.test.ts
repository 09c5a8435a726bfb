import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { claimTasks } from '../../src/generation/claim.ts';
import { createIdentity } from '../../src/worker/identity.ts';
import { createTaskLoop, type TaskLoop, type TaskLoopOptions } from '../../src/worker/task-loop.ts';
import { insertMany } from '../generation/many.ts';
import { openStage, type Stage } from '../generation/stage.ts';
import { until } from '../service/until.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
beforeEach(() => stage.clear());
afterAll(() => stage.close());

test('work that throws sets its own task aside, counts the try, and stops nothing', async () => {
  await insert(3);
  await stage.domain.db.execute(sql`update tasks set tries = 5`);
  const done: string[] = [];
  await work(2, (task) => {
    if (task.id === 'tsk_00000001') throw new Error('nobody foresaw this');
    done.push(task.id);
    return new Promise(() => {});
  });
  await until(
    () => done,
    ({ length }) => length === 2,
  );
  const rows = await until(
    () =>
      stage.domain.db.execute(sql`
      select tries, next_at > clock_timestamp() + interval '5 s' as aside from tasks where worker_id is null`),
    ({ length }) => length === 1,
  );
  expect([...rows]).toEqual([{ tries: 6, aside: true }]);
});

test('all that is due is worked on without a nap in between, never more than so many at once', async () => {
  for (let i = 0; i < 9; i += 1) await insert(1);
  await insert(40);
  let [atOnce, most] = [0, 0];
  const done = new Set<string>();
  const began = performance.now();
  await work(8, async ({ id }) => {
    atOnce += 1;
    most = Math.max(most, atOnce);
    await new Promise(setImmediate);
    atOnce -= 1;
    done.add(id);
  });
  await until(
    () => done.size,
    (size) => size === 49,
  );
  expect(most).toBe(8);
  // A nap is a second.
  expect(performance.now() - began).toBeLessThan(5_000);
});

test.each([
  ['WAIT', false],
  ['BREAK_OFF', true],
] as const)(
  'a stop with %s waits for the work in hand; that its requests are broken off is %s',
  async (onStop, aborted) => {
    await insert(1);
    const signals: AbortSignal[] = [];
    const order: string[] = [];
    let finish = () => {};
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const run: TaskLoopOptions['run'] = async (_task, signal) => {
      signals.push(signal);
      await finished;
      order.push('worked');
    };
    const loop = await work(1, run, onStop);
    await until(() => signals.length, Boolean);
    const stopped = loop.stop().then(() => order.push('stopped'));
    expect(signals.map((signal) => signal.aborted)).toEqual([aborted]);
    await new Promise(setImmediate);
    finish();
    await stopped;
    expect(order).toEqual(['worked', 'stopped']);
  },
);

test('with every slot taken by one workspace, the next free one is for another, however many tasks the first has due', async () => {
  const [greedy, modest] = [await stage.newCaller(), await stage.newCaller()];
  await insertMany(stage.domain, { workspaceId: greedy.workspaceId, count: 300, dueInMs: -3_600_000 });
  const served: string[] = [];
  const finish: (() => void)[] = [];
  const loop = await work(4, ({ workspaceId }) => {
    served.push(workspaceId);
    return new Promise((resolve) => finish.push(resolve));
  });
  await until(
    () => served.length,
    (count) => count === 4,
  );
  await insertMany(stage.domain, { workspaceId: modest.workspaceId, count: 1 });
  finish[0]?.();
  await until(
    () => served.length,
    (count) => count === 5,
  );
  expect(served).toEqual([...Array(4).fill(greedy.workspaceId), modest.workspaceId]);
  const stopped = loop.stop();
  for (const each of finish) each();
  await stopped;
});

test('a stop claims no more, however quickly work ends while a claim is under way', async () => {
  await insert(400);
  let started = 0;
  const loop = await work(4, async () => {
    started += 1;
    await new Promise((resolve) => setTimeout(resolve, 2));
  });
  await until(() => started, Boolean);
  await loop.stop();
  const atStop = started;
  const rows = await stage.domain.db.execute(sql`select count(*)::int as held from tasks where worker_id is not null`);
  expect([rows[0]?.held, atStop]).toEqual([started, started]);
  expect(started).toBeLessThan(400);
});

async function insert(count: number): Promise<void> {
  await insertMany(stage.domain, { workspaceId: (await stage.newCaller()).workspaceId, count });
}

async function work(
  mostAtOnce: number,
  run: TaskLoopOptions['run'],
  onStop: TaskLoopOptions['onStop'] = 'WAIT',
): Promise<TaskLoop> {
  const { domain } = stage;
  const identity = createIdentity(domain, () => {});
  await identity.start();
  const loop = createTaskLoop(domain, identity, {
    name: 'test',
    claim: (claim) => claimTasks(domain, { ...claim, statuses: ['QUEUED'] }),
    mostAtOnce,
    onStop,
    run,
  });
  loop.start();
  onTestFinished(async () => {
    // Work that never ends is not waited for.
    void loop.stop();
    await identity.stop();
  });
  return loop;
}
