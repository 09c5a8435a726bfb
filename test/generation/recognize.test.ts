import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { applyReport } from '../../src/generation/machine.ts';
import type { Finished, PollReport, ReportedImage } from '../../src/generation/provider-report.ts';
import type { Report } from '../../src/generation/report.ts';
import type { Asset, Generation } from '../../src/generation/types.ts';
import { readTask } from '../../src/provider/runware/task.ts';
import { parseAnswer } from '../../src/provider/runware/wire.ts';
import { MOMENT, of, polled, taskOf, the, withTask } from './reports.ts';

const TASK = '24cd5dff-cb81-4db5-8506-b72a9425f9d1';
const url = (path: string) => `https://images.example.com/${path}`;
const image = (path: string, name: string | null = null): ReportedImage => ({ name, url: url(path), seed: null });
const finished = (...images: ReportedImage[]): Finished => ({ kind: 'FINISHED', images, credits: null });

describe('of lists that are filtered, or come in another order, each picture is kept once', () => {
  test('one that was missing from the list at the deadline is found in the next', () => {
    const running = withTask('RUNNING', { providerTaskId: 'theirs', deadlineAt: MOMENT.at });
    const late = tell(running, { kind: 'TIME_UP', ...of(taskOf(running)), images: [image('B')] });
    const found = tell(late, settled(finished(image('A'), image('B'))));
    expect(picturesOf(found)).toEqual([
      [0, url('B')],
      [1, url('A')],
    ]);
  });

  test('Runware’s, of which the one in the making is listed before the one that is made', () => {
    const item = (n: number, status: string) => {
      const made = status === 'success' && { imageUUID: `image-${n}`, imageURL: url(`${n}.png`) };
      return { taskUUID: TASK, status, ...made };
    };
    const listed = (...items: object[]) => readTask(the(parseAnswer({ data: items }) ?? undefined)).report;
    const first = listed(item(0, 'processing'), item(1, 'success'));
    const second = listed(item(0, 'success'), item(1, 'success'));
    expect([first.kind, second.kind]).toEqual(['RUNNING', 'FINISHED']);
    const after = tell(canceled(), settled(first), settled(second));
    expect(picturesOf(after)).toEqual([
      [0, url('1.png')],
      [1, url('0.png')],
    ]);
  });

  test('in whatever lists they come, as soon as one has all of them', () => {
    const names = [...'abcdef'];
    const lists = fc.array(fc.shuffledSubarray(names), { maxLength: 6 });
    const whole = fc.shuffledSubarray(names, { minLength: names.length });
    fc.assert(
      fc.property(lists, whole, fc.boolean(), (some, all, areNamed) => {
        const toImages = (list: string[]) => list.map((each) => image(each, areNamed ? `the-${each}` : null));
        const reports = [...some, all].map((list) => settled(finished(...toImages(list))));
        // The first of them would end it: as long as a picture waits to be kept there is another day.
        const start = tell(canceled(), settled(finished(...toImages(['a']))));
        const after = tell(start, ...reports);
        expect(after.assets.map(({ providerUrl }) => providerUrl).sort()).toEqual(names.map((each) => url(each)));
      }),
    );
  });
});

describe('an image is known', () => {
  test.each<[string, ReportedImage, ReportedImage]>([
    ['by the name that its provider gives it, wherever it lies', image('1.png', 'one'), image('moved/1.png', 'one')],
    ['by its address', image('1.png'), image('1.png')],
    ['by its address however it is signed', image('1.png?signed=now'), image('1.png?signed=later#1')],
    ['by its address where its provider named it in one list only', image('1.png', 'one'), image('1.png')],
  ])('%s', (_how, first, again) => {
    const after = tell(canceled(), settled(finished(first)), settled(finished(image('2.png', 'two'), again)));
    expect(picturesOf(after)).toEqual([
      [0, first.url],
      [1, url('2.png')],
    ]);
  });

  test('by its query where nothing else differs', () => {
    const after = tell(
      canceled(),
      settled(finished(image('view?file=b'))),
      settled(finished(image('view?file=a'), image('view?file=b'))),
    );
    expect(picturesOf(after)).toEqual([
      [0, url('view?file=b')],
      [1, url('view?file=a')],
    ]);
  });

  test('by its place only where not one is known otherwise: their provider calls them differently each time', () => {
    const after = tell(canceled(), settled(finished(image('x1'))), settled(finished(image('y1'), image('y2'))));
    expect(picturesOf(after)).toEqual([
      [0, url('x1')],
      [1, url('y2')],
    ]);
  });

  test('never by its place where its provider names it', () => {
    const after = tell(canceled(), settled(finished(image('b', 'b'))), settled(finished(image('a', 'a'))));
    expect(picturesOf(after)).toEqual([
      [0, url('b')],
      [1, url('a')],
    ]);
  });

  test('by its address where a release that knew no names stored it', () => {
    const known = tell(canceled(), settled(finished(image('b', 'b'))));
    const old = { ...known, assets: known.assets.map((asset): Asset => ({ ...asset, imageName: null })) };
    const after = tell(old, settled(finished(image('a', 'a'), image('b', 'b'))));
    expect(picturesOf(after)).toEqual([
      [0, url('b')],
      [1, url('a')],
    ]);
  });
});

test.each<[string, string | null, string | null]>([
  ['its name', 'one', 'two'],
  ['its address, which is signed anew', null, null],
])('a fresh URL goes to the image with %s, whatever its place in the list', (_how, one, two) => {
  const collecting = collect(image('1.png', one), image('2.png', two));
  const fresh = [image('2.png?fresh', two), image('1.png?fresh', one)];
  expect(picturesOf(tell(collecting, refreshed(collecting, fresh)))).toEqual([
    [0, url('1.png?fresh')],
    [1, url('2.png?fresh')],
  ]);
});

test('a fresh list without an image leaves its URL as it is', () => {
  const collecting = collect(image('1.png'), image('2.png'));
  expect(picturesOf(tell(collecting, refreshed(collecting, [image('2.png?fresh')])))).toEqual([
    [0, url('1.png')],
    [1, url('2.png?fresh')],
  ]);
});

/** Over before its provider, and still asked about. */
function canceled(): Generation {
  const settleUntil = new Date(MOMENT.at.getTime() + 1_000);
  return withTask('CANCELED', { providerTaskId: 'theirs', finishedAt: MOMENT.at, settleUntil });
}

function collect(...images: ReportedImage[]): Generation {
  const running = withTask('RUNNING', { providerTaskId: 'theirs' });
  return tell(running, polled(finished(...images))(taskOf(running)));
}

/** Of every image of it. */
function refreshed({ tasks, assets }: Generation, images: ReportedImage[]): Report {
  const staleIds = assets.map(({ id }) => id);
  return { kind: 'REFRESHED', ...of(the(tasks[0])), images, staleIds, resultTtlSeconds: 60 };
}

function settled(report: PollReport): Report {
  return { kind: 'SETTLED', taskId: '', token: 5, report, resultTtlSeconds: 60 };
}

/** Reports with an empty id are about the first task. */
function tell(generation: Generation, ...reports: Report[]): Generation {
  return reports.reduce(
    (state, report) => applyReport(state, { ...report, taskId: report.taskId || taskOf(state).id }, MOMENT),
    generation,
  );
}

function picturesOf({ assets }: Generation): [number, string][] {
  return assets.map(({ index, providerUrl }) => [index, providerUrl]);
}
