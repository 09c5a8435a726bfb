import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import type { Hint } from '../../src/events/hint.ts';
import { changeGenerations } from '../../src/generation/change.ts';
import { claimTasks } from '../../src/generation/claim.ts';
import { applyReport } from '../../src/generation/machine.ts';
import { isNews } from '../../src/generation/news.ts';
import type { PollReport } from '../../src/generation/provider-report.ts';
import { recordReports } from '../../src/generation/record.ts';
import type { Report } from '../../src/generation/report.ts';
import type { Generation } from '../../src/generation/types.ts';
import { sampleTrouble } from './samples.ts';
import { accept, finished, openStage, running, type Stage, taskOf, tell } from './stage.ts';
import { momentAt } from './story.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
beforeEach(() => stage.clear());
afterAll(() => stage.close());

test('20 changes of one generation at once are numbered without a gap, one event each, and no percent falls', async () => {
  const generation = await accept(stage, await stage.create(await stage.newCaller(), { images: 20 }));
  const other = await stage.another();
  const reports = generation.tasks.flatMap((task) =>
    [10, 40, 20, 30].map((percent) => running({ ...generation, tasks: [task] }, percent)),
  );
  await Promise.all(reports.map((report, i) => tell(i % 2 ? stage.domain : other.domain, generation, report)));
  const after = await stage.reload(generation.id);
  const events = await stage.eventsOf(generation.id);
  expect(after).toMatchObject({ status: 'RUNNING', percent: 40 });
  expect(events.map(({ version }) => version)).toEqual(events.map((_, i) => i + 1));
  expect(events.at(-1)).toMatchObject({ version: after.version, percent: 40 });
  expect(after.version).toBeGreaterThanOrEqual(generation.version + 5);
  const percents = events.map(({ percent }) => percent ?? 0);
  expect(percents).toEqual([...percents].sort((a, b) => a - b));
});

test('one transaction that changes much writes one event for each change, in the order of their versions', async () => {
  const generation = await accept(stage, await stage.create(await stage.newCaller()));
  const after = await tell(stage.domain, generation, running(generation, 10), finished(generation, 2));
  expect(after.version).toBe(generation.version + 1);
  const assets = after.assets.map(({ id: assetId }) => assetId);
  const done = await tell(
    stage.domain,
    after,
    ...assets.map((assetId): Report => ({ ...of(after), kind: 'LOST', assetId, failure: sampleTrouble() })),
  );
  const events = (await stage.eventsOf(generation.id)).slice(-4);
  expect(events.map(({ version, type, assetId }) => [version, type, assetId])).toEqual([
    [after.version + 1, 'ASSET_LOST', assets[0]],
    [after.version + 2, 'ASSET_LOST', assets[1]],
    [after.version + 3, 'TASK_CHANGED', null],
    [after.version + 4, 'GENERATION_FINISHED', null],
  ]);
  expect(await stage.reload(generation.id)).toEqual(done);
});

test('overlapping sets of generations, named in any order, never wait for each other in a circle', async () => {
  const caller = await stage.newCaller();
  const all = await Promise.all(Array.from({ length: 10 }, async () => accept(stage, await stage.create(caller))));
  const other = await stage.another();
  const rounds = Array.from({ length: 24 }, (_, i) => {
    const some = [...all, ...all].slice(i % 10, (i % 10) + 6);
    const entries = (i % 2 ? some : some.reverse()).map((generation) => ({
      generationId: generation.id,
      report: running(generation, 4 * i),
    }));
    return recordReports(i % 3 ? stage.domain : other.domain, entries);
  });
  await Promise.all(rounds);
  for (const { id } of all) {
    const { version, percent } = await stage.reload(id);
    const events = await stage.eventsOf(id);
    expect(events.map((event) => event.version)).toEqual(Array.from({ length: version }, (_, i) => i + 1));
    expect(events.at(-1)?.percent).toBe(percent);
  }
});

const silent: PollReport = { kind: 'SILENT', failure: sampleTrouble(), retryAfterMs: null };
test.each<[string, PollReport]>([
  ['the same percent', { kind: 'RUNNING', percent: 40, etaSeconds: 3 }],
  ['less', { kind: 'RUNNING', percent: 12.5, etaSeconds: 3 }],
  ['no percent', { kind: 'RUNNING', percent: null, etaSeconds: 3 }],
  ['that it waits', { kind: 'PENDING', etaSeconds: 3 }],
  ['nothing', silent],
  ['that it does not know the task', { kind: 'MISSING', failure: sampleTrouble() }],
])('a poll that says %s is no news, and writes no row where it is recorded all the same', async (_what, report) => {
  const accepted = await accept(stage, await stage.create(await stage.newCaller()));
  const generation = await tell(stage.domain, accepted, running(accepted, 40));
  const before = await rowVersions();
  expect(isNews(taskOf(generation), report)).toBe(false);
  const told: Report = { ...running(generation, 0), report } as Report;
  expect(await tell(stage.domain, generation, told)).toEqual(generation);
  expect(await rowVersions()).toEqual(before);
});

test.each<[string, PollReport]>([
  ['more', { kind: 'RUNNING', percent: 40.5, etaSeconds: 3 }],
  ['the images', { kind: 'FINISHED', images: [], credits: null }],
  ['a failure', { kind: 'FAILED', failure: sampleTrouble() }],
])('a poll that says %s is news', (_what, report) => {
  expect(isNews({ status: 'RUNNING', percent: 40, progressBasis: 'REPORTED' }, report)).toBe(true);
});

test('what isNews lets pass, and only that, would change a task', async () => {
  const generation = await accept(stage, await stage.create(await stage.newCaller()));
  const moment = momentAt(new Date());
  for (const percent of [null, 0, 0.4, 50, 99, 100, 180]) {
    for (const status of ['ACCEPTED', 'RUNNING'] as const) {
      const tasks = generation.tasks.map((task) => ({ ...task, status, percent: status === 'RUNNING' ? 50 : null }));
      const polled = { ...generation, tasks };
      const report = { kind: 'RUNNING', percent, etaSeconds: null } as const;
      const changed = applyReport(polled, running(polled, percent), moment) !== polled;
      expect([status, percent, isNews(taskOf(polled), report)]).toEqual([status, percent, changed]);
      const estimate: PollReport = { kind: 'PENDING', etaSeconds: null, ...(percent !== null && { percent }) };
      const told = { ...running(polled, percent), report: estimate } as Report;
      expect([percent, isNews(taskOf(polled), estimate)]).toEqual([
        percent,
        applyReport(polled, told, moment) !== polled,
      ]);
    }
  }
});

test('everyone is told after the commit: which generations changed, and which loops have work', async () => {
  const [changed, same] = [await stage.create(await stage.newCaller()), await stage.create(await stage.newCaller())];
  await claimTasks(stage.domain, { workerId: 'wrk_a', statuses: ['QUEUED'], limit: 2 });
  const heard = listen();
  await recordReports(stage.domain, [
    { generationId: changed.id, report: { kind: 'DELAYED', ...of(await stage.reload(changed.id)), delayMs: 0 } },
    { generationId: same.id, report: { kind: 'TIME_UP', taskId: taskOf(same).id } },
  ]);
  expect(heard).toEqual([{ generationIds: [changed.id], work: ['sequence', 'submit'], feeds: [] }]);
});

test('where nothing changed, nobody is told', async () => {
  const generation = await stage.create(await stage.newCaller());
  const heard = listen();
  await tell(stage.domain, generation, { kind: 'TIME_UP', taskId: taskOf(generation).id });
  expect(heard).toEqual([]);
});

test('where what is written beside it fails, nothing is written and nobody is told', async () => {
  const generation = await accept(stage, await stage.create(await stage.newCaller()));
  const before = await rowVersions();
  const heard = listen();
  const also = async () => {
    throw new Error('no room');
  };
  const entry = { generationId: generation.id, report: running(generation, 50) };
  await expect(recordReports(stage.domain, [entry], { also })).rejects.toThrow('no room');
  expect(await rowVersions()).toEqual(before);
  expect(heard).toEqual([]);
});

test('a generation that is not there is passed over', async () => {
  const generation = await accept(stage, await stage.create(await stage.newCaller()));
  const ids = ['gen_01h455vb4pex5vsknk084sn02q', generation.id];
  const after = await changeGenerations(stage.domain, ids, (each, moment) =>
    applyReport(each, running(generation, 50), moment),
  );
  expect(after.map(({ id, percent }) => [id, percent])).toEqual([[generation.id, 50]]);
});

test('more images than one statement has room for are written in one transaction', async () => {
  const caller = await stage.newCaller();
  const all = await Promise.all(
    Array.from({ length: 17 }, async () => accept(stage, await stage.create(caller, { images: 20 }))),
  );
  const entries = all.flatMap((generation) =>
    generation.tasks.map((task) => ({
      generationId: generation.id,
      report: finished({ ...generation, tasks: [task] }, 40),
    })),
  );
  const after = await recordReports(stage.domain, entries);
  expect(after.map(({ assets }) => assets.length)).toEqual(Array(17).fill(5 * 40));
});

function of(generation: Generation): { taskId: string; token: number } {
  const { id: taskId, leaseToken: token } = taskOf(generation);
  return { taskId, token };
}

function listen(): Hint[] {
  const heard: Hint[] = [];
  onTestFinished(stage.domain.hints.on((hint) => heard.push(hint)));
  return heard;
}

/** Which version of each row there is: a write, even of the same values, makes another. */
async function rowVersions() {
  const versions = await stage.domain.db.execute(sql`
    select 'generations' as relation, id, xmin::text, ctid::text from generations
    union all select 'tasks', id, xmin::text, ctid::text from tasks
    union all select 'assets', id, xmin::text, ctid::text from assets
    union all select 'events', id, xmin::text, ctid::text from events
    order by 1, 2`);
  return [...versions];
}
