import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { readBacklog } from '../../src/generation/backlog.ts';
import { registerWorker } from '../../src/generation/lease.ts';
import type { Observer } from '../../src/generation/outcomes.ts';
import { sampleTrouble } from './samples.ts';
import { accept, failed, finished, openStage, type Stage, taskOf, tell } from './stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
beforeEach(() => stage.clear());
afterAll(() => stage.close());

test('what there is to do: by status, how late, who works, the next picture to expire, and the feed', async () => {
  const [caller, live] = [await stage.newCaller(), await stage.newCaller('LIVE')];
  const queued = await stage.create(caller);
  const collecting = await accept(stage, await stage.create(live));
  await tell(stage.domain, collecting, finished(collecting, 2));
  const done = await accept(stage, await stage.create(caller));
  await tell(stage.domain, done, failed(done));
  await registerWorker(stage.domain);
  const { db } = stage.domain;
  await db.execute(sql`
    insert into provider_states (provider, mode, open_until)
    values ('kites', 'LIVE', clock_timestamp() - interval '1 s'), ('kites', 'TEST', null)`);
  await db.execute(sql`insert into workers (id, alive_until) values ('wrk_dead', clock_timestamp() - interval '1 s')`);
  await db.execute(sql`update tasks set next_at = clock_timestamp() - interval '90 s' where id = ${taskOf(queued).id}`);
  const expiry = new Date('2031-02-03T04:05:06Z');
  const [first] = (await stage.reload(collecting.id)).assets;
  await db.execute(sql`update assets set provider_url_expires_at = ${expiry.toISOString()} where id = ${first?.id}`);
  await db.execute(sql`update assets set provider_url_expires_at = '2032-01-01' where id <> ${first?.id}`);
  await db.execute(sql`update events set position = null, at = clock_timestamp() - interval '40 s'`);

  const backlog = await readBacklog(stage.domain);
  const task = { provider: 'kites', lateSeconds: expect.any(Number), count: 1 };
  expect({ ...backlog, tasks: backlog.tasks.toSorted((a, b) => a.status.localeCompare(b.status)) }).toEqual({
    tasks: [
      { ...task, mode: 'LIVE', status: 'COLLECTING' },
      { ...task, mode: 'TEST', status: 'QUEUED' },
    ],
    workers: 1,
    providers: [
      { provider: 'kites', mode: 'LIVE', isOpen: true },
      { provider: 'kites', mode: 'TEST', isOpen: false },
    ],
    expiries: [{ mode: 'LIVE', at: expiry }],
    feedLagSeconds: expect.any(Number),
  });
  const late = backlog.tasks.find(({ status }) => status === 'QUEUED')?.lateSeconds;
  expect([Math.round(late ?? 0), Math.round(backlog.feedLagSeconds)]).toEqual([90, 40]);
});

test('nothing to do is nothing, and a task that a worker has in hand is not late', async () => {
  const nothing = { tasks: [], workers: 0, providers: [], expiries: [], feedLagSeconds: 0 };
  expect(await readBacklog(stage.domain)).toEqual(nothing);
  const { id } = taskOf(await stage.create(await stage.newCaller()));
  const worker = await registerWorker(stage.domain);
  const { db } = stage.domain;
  await db.execute(sql`
    update tasks set worker_id = ${worker}, next_at = clock_timestamp() - interval '1 h' where id = ${id}`);
  const { tasks } = await readBacklog(stage.domain);
  expect(tasks).toEqual([{ provider: 'kites', mode: 'TEST', status: 'QUEUED', count: 1, lateSeconds: 0 }]);
});

test('each end is told once, after it was written: generations that are finished, images that are stored or lost', async () => {
  const told: unknown[][] = [];
  const observer: Observer = {
    generationFinished: (...seen) => void told.push(seen),
    imageSettled: (...seen) => void told.push(seen),
    failed: (...seen) => void told.push(seen),
  };
  const domain = { ...stage.domain, observer };
  const generation = await accept(stage, await stage.create(await stage.newCaller(), { images: 2 }));
  const { assets, tasks } = await tell(domain, generation, finished(generation, 2));
  expect(told).toEqual([]);
  const { id: taskId, leaseToken: token } = taskOf({ ...generation, tasks });
  for (const { id: assetId } of assets) {
    await tell(domain, generation, { kind: 'LOST', taskId, token, assetId, failure: sampleTrouble() });
    await tell(domain, generation, { kind: 'LOST', taskId, token, assetId, failure: sampleTrouble() });
  }
  expect(told.splice(0)).toEqual([
    ['lost', 'TEST'],
    ['FAILED', 'TEST'],
    ['lost', 'TEST'],
  ]);

  const canceled = await stage.create(await stage.newCaller());
  const about = { taskId: taskOf(canceled).id, submissionId: null as unknown as string };
  await tell(domain, canceled, { kind: 'CANCEL', taskId: about.taskId });
  const report = { kind: 'ACCEPTED', providerTaskId: 'theirs', credits: null, etaSeconds: null } as const;
  const late = await tell(domain, canceled, { kind: 'SUBMITTED', ...about, report });
  expect(taskOf(late).providerTaskId).toBe('theirs');
  expect(told).toEqual([['CANCELED', 'TEST']]);
});
