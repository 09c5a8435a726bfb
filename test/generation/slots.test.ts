import { describe, expect, test } from 'vitest';
import { changesBetween } from '../../src/generation/changes.ts';
import { deriveGeneration, slotsOf } from '../../src/generation/derive.ts';
import { applyReport } from '../../src/generation/machine.ts';
import type { Asset, Generation, TaskStatus } from '../../src/generation/types.ts';
import { both, collect, lostOf, MOMENT, polled, sampled, stored, taskOf, the, withTask } from './reports.ts';
import { sampleTrouble } from './samples.ts';
import { START } from './story.ts';

describe('slots', () => {
  test('images fill the slots of their task in order, and later tasks keep theirs', () => {
    const generation = collect(both('RUNNING'), 2, 1);
    expect(generation.assets.map(({ index, seed }) => [index, seed])).toEqual([
      [2, '0'],
      [3, '1'],
    ]);
    const [one, two, three, four] = generation.assets;
    expect(slotsOf(generation)).toEqual([
      { index: 0, asset: null, failure: null },
      { index: 1, asset: null, failure: null },
      { index: 2, asset: one, failure: null },
      { index: 3, asset: two, failure: null },
    ]);
    expect([three, four]).toEqual([undefined, undefined]);
  });

  test('images beyond those asked for come after every slot that was asked for, whichever task is first', () => {
    const one = collect(both('RUNNING'), 3, 0);
    expect(one.assets.map(({ index }) => index)).toEqual([0, 1, 4]);
    const two = collect(one, 4, 1);
    expect(two.assets.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(slotsOf(two).map(({ asset }) => asset)).toEqual(two.assets);
  });

  test('more than 40 images of one task are cut', () => {
    expect(collect(withTask('RUNNING'), 50).assets.map(({ index }) => index)).toEqual([...Array(40).keys()]);
  });

  test('a slot that its task left empty says NOT_DELIVERED, a lost image why it was lost', () => {
    const collecting = collect(sampled([3], 'RUNNING'), 2);
    const generation = [stored(collecting, 0), lostOf(collecting, 1)].reduce(
      (state, report) => applyReport(state, report, MOMENT),
      collecting,
    );
    expect(generation.status).toBe('PARTIALLY_SUCCEEDED');
    expect(slotsOf(generation)).toEqual([
      { index: 0, asset: generation.assets[0], failure: null },
      { index: 1, asset: null, failure: { ...sampleTrouble(), code: 'RESULT_INVALID', at: MOMENT.at.toISOString() } },
      { index: 2, asset: null, failure: expect.objectContaining({ code: 'NOT_DELIVERED', billed: 'UNKNOWN' }) },
    ]);
  });

  test('a deleted image still fills its slot', () => {
    const collecting = collect(withTask('RUNNING'), 1);
    const [asset] = collecting.assets;
    const deleted: Asset = { ...the(asset), state: 'DELETED' };
    expect(slotsOf({ ...collecting, assets: [deleted] })[0]).toEqual({ index: 0, asset: deleted, failure: null });
  });
});

describe('the generation as a whole', () => {
  test('its percent is the mean of its tasks, weighted by images, rounded down', () => {
    const generation = sampled([3, 1], 'RUNNING');
    const [wide, narrow] = generation.tasks;
    const once = applyReport(generation, polled({ kind: 'RUNNING', percent: 50, etaSeconds: 9 })(the(wide)), MOMENT);
    expect(once).toMatchObject({ percent: 37, progressBasis: 'REPORTED', etaSeconds: 9, status: 'RUNNING' });
    const twice = applyReport(once, polled({ kind: 'RUNNING', percent: 99, etaSeconds: 2 })(the(narrow)), MOMENT);
    expect(twice).toMatchObject({ percent: 62, etaSeconds: 9 });
  });

  test.each<[TaskStatus[], string]>([
    [['QUEUED', 'QUEUED'], 'QUEUED'],
    [['QUEUED', 'SUBMITTING'], 'RUNNING'],
    [['FAILED', 'QUEUED'], 'RUNNING'],
    [['FAILED', 'FAILED'], 'FAILED'],
    [['CANCELED', 'FAILED'], 'FAILED'],
    [['CANCELED', 'CANCELED'], 'CANCELED'],
  ])('tasks that are %j make it %s', (statuses, expected) => {
    const generation = both('QUEUED');
    const tasks = generation.tasks.map((task, i) => ({ ...task, status: statuses[i] ?? 'QUEUED' }));
    expect(deriveGeneration({ ...generation, tasks }, MOMENT.at).status).toBe(expected);
  });

  test('once it has run it is not QUEUED again, though all its tasks are', () => {
    const generation = { ...both('QUEUED'), status: 'RUNNING' as const, startedAt: START };
    const derived = deriveGeneration(generation, MOMENT.at);
    expect(derived).toMatchObject({ status: 'RUNNING', startedAt: START, finishedAt: null });
  });
});

describe('the log', () => {
  test('names each thing that changed, images first and the end last, and says what was true then', () => {
    const collecting = collect(withTask('RUNNING'), 2);
    const after = [stored(collecting, 0), lostOf(collecting, 1)].reduce(
      (state, report) => applyReport(state, report, MOMENT),
      collecting,
    );
    const taskId = the(after.tasks[0]).id;
    const [first, second] = after.assets;
    const cost = { basis: 'UNKNOWN', reserved: null, settled: null, providerCredits: '4' };
    const quiet = { status: 'PARTIALLY_SUCCEEDED', percent: 100, cost, taskStatus: null, assetId: null, failure: null };
    expect(changesBetween(collecting, after)).toEqual([
      { ...quiet, type: 'ASSET_STORED', taskId, assetId: first?.id },
      { ...quiet, type: 'ASSET_LOST', taskId, assetId: second?.id, failure: second?.failure },
      { ...quiet, type: 'TASK_CHANGED', taskId, taskStatus: 'PARTIALLY_SUCCEEDED' },
      { ...quiet, type: 'GENERATION_FINISHED', taskId: null },
    ]);
  });

  test('tells of progress only where nothing else changed, and of nothing where nothing did', () => {
    const accepted = withTask('ACCEPTED');
    const running = applyReport(
      accepted,
      polled({ kind: 'RUNNING', percent: 10, etaSeconds: null })(taskOf(accepted)),
      MOMENT,
    );
    const further = applyReport(
      running,
      polled({ kind: 'RUNNING', percent: 20, etaSeconds: null })(taskOf(running)),
      MOMENT,
    );
    const types = (before: Generation, after: Generation) => changesBetween(before, after).map(({ type }) => type);
    expect(types(accepted, running)).toEqual(['TASK_CHANGED']);
    expect(types(running, further)).toEqual(['GENERATION_PROGRESSED']);
    expect(types(further, further)).toEqual([]);
  });

  test('a deleted image is told as ASSET_DELETED', () => {
    const collecting = collect(withTask('RUNNING'), 1);
    const assets = collecting.assets.map((asset) => ({ ...asset, state: 'DELETED' as const }));
    expect(changesBetween(collecting, { ...collecting, assets }).map(({ type }) => type)).toEqual(['ASSET_DELETED']);
  });
});
