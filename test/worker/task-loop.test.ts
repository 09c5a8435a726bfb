import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { claimTasks } from '../../src/generation/claim.ts';
import type { Task } from '../../src/generation/types.ts';
import { createIdentity } from '../../src/worker/identity.ts';
import { createTaskLoop } from '../../src/worker/task-loop.ts';
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

async function insert(count: number): Promise<void> {
  await insertMany(stage.domain, { workspaceId: (await stage.newCaller()).workspaceId, count });
}

async function work(mostAtOnce: number, run: (task: Task) => Promise<void>): Promise<void> {
  const { domain } = stage;
  const identity = createIdentity(domain, () => {});
  await identity.start();
  const loop = createTaskLoop(domain, identity, {
    name: 'test',
    claim: (workerId, limit) => claimTasks(domain, { workerId, statuses: ['QUEUED'], limit }),
    mostAtOnce,
    run,
  });
  loop.start();
  onTestFinished(async () => {
    // Work that never ends is not waited for.
    void loop.stop();
    await identity.stop();
  });
}
