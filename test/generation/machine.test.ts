import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { changesBetween } from '../../src/generation/changes.ts';
import { deriveGeneration, isFinished, slotsOf } from '../../src/generation/derive.ts';
import { applyReport, type Report } from '../../src/generation/machine.ts';
import { isFinal, TASK_MOVES } from '../../src/generation/moves.ts';
import type { PollReport, SubmitReport } from '../../src/generation/provider.ts';
import type { Asset, Generation, Task, TaskStatus } from '../../src/generation/types.ts';
import { sampleFacts, sampleGeneration, sampleImages, sampleTrouble } from './samples.ts';
import { HOLD_MS, START, stories, type Told } from './story.ts';

const NUM_RUNS = 200;
const MOMENT = { at: new Date(START.getTime() + 1_000), uncertainHoldMs: HOLD_MS };

describe('whatever is reported of one to three tasks, in any order', () => {
  test('the stories told here reach every status of a task and of a generation', () => {
    const seen = new Set<string>();
    for (const told of fc.sample(stories, { numRuns: 500, seed: 7 })) {
      for (const { after } of told) {
        seen.add(after.status);
        for (const { status } of after.tasks) seen.add(status);
      }
    }
    expect([...seen].sort()).toEqual(Object.keys(TASK_MOVES).sort());
  });

  test('a final status never changes, of a task or of a generation', () => {
    always(({ before, after }) => {
      if (isFinished(before.status)) expect(after.status).toBe(before.status);
      for (const [old, task] of pairs(before, after)) if (isFinal(old.status)) expect(task.status).toBe(old.status);
    });
  });

  test('a task makes only the moves of TASK_MOVES', () => {
    always(({ before, after }) => {
      for (const [old, task] of pairs(before, after)) {
        if (old.status !== task.status) expect(TASK_MOVES[old.status]).toContain(task.status);
      }
    });
  });

  test('no percent falls, and none is outside of 0 to 100', () => {
    always(({ before, after }) => {
      for (const [old, next] of [[before, after] as const, ...pairs(before, after)]) {
        if (old.percent !== null) expect(next.percent).toBeGreaterThanOrEqual(old.percent);
        if (next.percent !== null) expect(next.percent).toBeGreaterThanOrEqual(0);
        if (next.percent !== null) expect(next.percent).toBeLessThanOrEqual(100);
      }
    });
  });

  test('100 percent is said only of what ended with a picture', () => {
    always(({ after }) => {
      for (const { percent, status } of [after, ...after.tasks]) {
        expect(percent === 100).toBe(status === 'SUCCEEDED' || status === 'PARTIALLY_SUCCEEDED');
      }
    });
  });

  test('whatever a client can see of a status, a picture or the percent is numbered, and the end exactly once', () => {
    always(({ before, after, report }) => {
      const changes = changesBetween(before, after);
      const visible = (of: Generation) =>
        [of.status, of.percent, of.tasks.map(({ status }) => status), of.assets.map(stateOf)].join();
      if (visible(before) !== visible(after)) expect(changes).not.toEqual([]);
      if (report === null) expect(changes).toEqual([]);
      const ends = changes.filter(({ type }) => type === 'GENERATION_FINISHED').length;
      expect(ends).toBe(isFinished(after.status) && !isFinished(before.status) ? 1 : 0);
    });
  });

  test('a stale lease token changes nothing', () => {
    always(({ before, after, report }) => {
      if (report === null || !('token' in report)) return;
      const task = before.tasks.find(({ id }) => id === report.taskId);
      if (task?.leaseToken !== report.token) expect(after).toBe(before);
    });
  });

  test('a report touches no other task and no image of another task', () => {
    always(({ before, after, report }) => {
      const others = ({ tasks, assets }: Generation) => [
        tasks.filter(({ id }) => id !== report?.taskId),
        assets.filter(({ taskId }) => taskId !== report?.taskId),
      ];
      if (report) expect(others(after)).toEqual(others(before));
    });
  });

  test('a final generation has a picture or a reason in every slot, and the time it finished', () => {
    always(({ after }) => {
      if (!isFinished(after.status)) return expect(after.finishedAt).toBeNull();
      expect(after.finishedAt).toBeInstanceOf(Date);
      const slots = slotsOf(after);
      expect(slots.length).toBeGreaterThanOrEqual(after.request.images);
      expect(slots.filter(({ asset, failure }) => (asset === null) === (failure === null))).toEqual([]);
    });
  });

  test('SUCCEEDED means that every slot has a stored picture, FAILED and CANCELED that none has', () => {
    always(({ after }) => {
      const stored = slotsOf(after).map(({ asset }) => asset?.state === 'STORED' || asset?.state === 'DELETED');
      if (after.status === 'SUCCEEDED') expect(stored.every(Boolean)).toBe(true);
      if (after.status === 'PARTIALLY_SUCCEEDED') expect(new Set(stored)).toEqual(new Set([true, false]));
      if (after.status === 'FAILED' || after.status === 'CANCELED') expect(stored.some(Boolean)).toBe(false);
    });
  });

  test('no two images share a slot, and an image that is there stays', () => {
    always(({ before, after }) => {
      const indexes = after.assets.map(({ index }) => index);
      expect(indexes).toEqual([...new Set(indexes)].sort((a, b) => a - b));
      const ids = new Set(after.assets.map(({ id }) => id));
      expect(before.assets.filter(({ id }) => !ids.has(id))).toEqual([]);
    });
  });

  test('a task is sent a second time only after the provider proved that it did not take the first', () => {
    fc.assert(
      fc.property(stories, (told) => {
        const open = new Set<string>();
        for (const { before, after, report } of told) {
          if (report?.kind === 'SENDING' && after !== before) {
            expect(open.has(report.taskId)).toBe(false);
            open.add(report.taskId);
          }
          const sentAs = before.tasks.find(({ id }) => id === report?.taskId)?.submissionId;
          const free = report?.kind === 'SUBMITTED' && report.report.kind === 'NOT_NOW';
          if (free && report.submissionId === sentAs && after !== before) open.delete(report.taskId);
        }
      }),
      { numRuns: NUM_RUNS },
    );
  });

  test('once time passes, every generation becomes final', () => {
    fc.assert(
      fc.property(stories, (told) => {
        const last = told.at(-1)?.after ?? sampleGeneration([1, 2], { at: START });
        expect(isFinished(letTimePass(last).status)).toBe(true);
      }),
      { numRuns: NUM_RUNS },
    );
  });

  function always(holds: (told: Told) => void): void {
    fc.assert(
      fc.property(stories, (told) => {
        for (const each of told) holds(each);
      }),
      { numRuns: NUM_RUNS },
    );
  }

  function letTimePass(generation: Generation): Generation {
    const late = { at: new Date(START.getTime() + 10 * 86_400_000), uncertainHoldMs: HOLD_MS };
    const reports = generation.tasks.flatMap(({ id: taskId, leaseToken: token }): Report[] => [
      { kind: 'ABANDONED', taskId },
      { kind: 'TIME_UP', taskId },
      ...generation.assets
        .filter((asset) => asset.taskId === taskId && asset.state === 'PENDING')
        .map(({ id: assetId }): Report => ({ kind: 'LOST', taskId, token, assetId, failure: sampleTrouble() })),
    ]);
    return reports.reduce((state, report) => applyReport(state, report, late), generation);
  }
});

describe('each move', () => {
  const at = MOMENT.at;
  const later = (ms: number) => new Date(at.getTime() + ms);
  const trouble = sampleTrouble();
  const failure = { ...trouble, at: at.toISOString() };
  const refunded = { basis: 'REFUNDED', reserved: null, settled: null, providerCredits: null };
  const unknown = { ...refunded, basis: 'UNKNOWN' };
  const ended = { workerId: null, nextAt: at, finishedAt: at };
  const freed = { workerId: null, nextAt: at };
  const told = (code: string, billed: string) => ({ failure: expect.objectContaining({ code, billed }) });

  test.each<[string, TaskStatus, (task: Task) => Report, object]>([
    [
      'just before it is sent it is SUBMITTING, still held',
      'QUEUED',
      (task) => ({ kind: 'SENDING', ...of(task), submissionId: 'sub_2' }),
      { status: 'SUBMITTING', submissionId: 'sub_2', submittedAt: at, nextAt: at },
    ],
    [
      'an acceptance frees it for the poller',
      'SUBMITTING',
      answered({ kind: 'ACCEPTED', providerTaskId: 'theirs', credits: '2.5', etaSeconds: 8 }),
      {
        ...freed,
        status: 'ACCEPTED',
        providerTaskId: 'theirs',
        acceptedAt: at,
        etaSeconds: 8,
        tries: 0,
        cost: { basis: 'RESERVED', reserved: null, settled: null, providerCredits: '2.5' },
      },
    ],
    [
      'a refusal ends it, with the money back where the provider says so',
      'SUBMITTING',
      answered({ kind: 'REFUSED', failure: sampleTrouble({ billed: 'NO' }) }),
      { ...ended, status: 'FAILED', failure: { ...failure, billed: 'NO' }, cost: refunded },
    ],
    [
      'a refusal for now queues it again, without its submission, when the provider says',
      'SUBMITTING',
      answered({ kind: 'NOT_NOW', failure: trouble, retryAfterMs: 300_000 }),
      { workerId: null, status: 'QUEUED', submissionId: null, failure, nextAt: later(300_000) },
    ],
    [
      'an answer that proves nothing makes it UNCERTAIN for the hold',
      'SUBMITTING',
      answered({ kind: 'AMBIGUOUS', failure: trouble }),
      { workerId: null, status: 'UNCERTAIN', failure, nextAt: later(HOLD_MS) },
    ],
    [
      'when its sender fell silent it is UNCERTAIN for the hold',
      'SUBMITTING',
      ({ id: taskId }) => ({ kind: 'ABANDONED', taskId }),
      { workerId: null, status: 'UNCERTAIN', ...told('OUTCOME_UNKNOWN', 'UNKNOWN'), nextAt: later(HOLD_MS) },
    ],
    [
      'a late acceptance adopts an UNCERTAIN one',
      'UNCERTAIN',
      answered({ kind: 'ACCEPTED', providerTaskId: 'theirs', credits: null, etaSeconds: null }),
      { ...freed, status: 'ACCEPTED', providerTaskId: 'theirs', acceptedAt: at, failure: null, tries: 0 },
    ],
    [
      'a late proof that it was not taken queues an UNCERTAIN one again',
      'UNCERTAIN',
      answered({ kind: 'NOT_NOW', failure: trouble, retryAfterMs: 300_000 }),
      { workerId: null, status: 'QUEUED', submissionId: null, failure, nextAt: later(300_000) },
    ],
    [
      'the first progress makes it RUNNING, still held',
      'ACCEPTED',
      polled({ kind: 'RUNNING', percent: 30.5, etaSeconds: 4 }),
      { status: 'RUNNING', percent: 30.5, etaSeconds: 4, pollCount: 1, nextAt: at },
    ],
    [
      'more than 99 percent is not believed before the end',
      'RUNNING',
      polled({ kind: 'RUNNING', percent: 180, etaSeconds: null }),
      { percent: 99, etaSeconds: null, pollCount: 1 },
    ],
    [
      'finished images free it for the collector',
      'RUNNING',
      polled({ kind: 'FINISHED', images: sampleImages(2), credits: '4' }),
      {
        ...freed,
        status: 'COLLECTING',
        percent: 99,
        etaSeconds: null,
        pollCount: 1,
        tries: 0,
        cost: { basis: 'RESERVED', reserved: null, settled: null, providerCredits: '4' },
      },
    ],
    [
      'a finish without an image fails it',
      'ACCEPTED',
      polled({ kind: 'FINISHED', images: [], credits: null }),
      { ...ended, status: 'FAILED', ...told('NOT_DELIVERED', 'UNKNOWN'), cost: unknown, pollCount: 1 },
    ],
    [
      'a failure at the provider fails it',
      'RUNNING',
      polled({ kind: 'FAILED', failure: trouble }),
      { ...ended, status: 'FAILED', failure, cost: unknown, pollCount: 1 },
    ],
    [
      'a cancelation at the provider cancels it',
      'RUNNING',
      polled({ kind: 'FAILED', failure: sampleTrouble({ code: 'CANCELED' }) }),
      { ...ended, status: 'CANCELED', failure: { ...failure, code: 'CANCELED' }, cost: unknown },
    ],
    [
      'a delay gives it back until later',
      'COLLECTING',
      (task) => ({ kind: 'DELAYED', ...of(task), delayMs: 700 }),
      { workerId: null, nextAt: later(700) },
    ],
    [
      'canceled before it was sent, it costs nothing',
      'QUEUED',
      ({ id: taskId }) => ({ kind: 'CANCEL', taskId }),
      { ...ended, status: 'CANCELED', ...told('CANCELED', 'NO'), cost: refunded },
    ],
    [
      'canceled after it was sent, it may cost',
      'ACCEPTED',
      ({ id: taskId }) => ({ kind: 'CANCEL', taskId }),
      { ...ended, status: 'CANCELED', ...told('CANCELED', 'UNKNOWN'), cost: unknown },
    ],
  ])('%s', (_title, status, reportOf, expected) => {
    const generation = withTask(status);
    const [task] = generation.tasks;
    const [after] = applyReport(generation, reportOf(the(task)), MOMENT).tasks;
    expect(after).toEqual({ ...task, ...expected });
  });

  test.each<[TaskStatus, string, string]>([
    ['QUEUED', 'DEADLINE_EXCEEDED', 'NO'],
    ['UNCERTAIN', 'OUTCOME_UNKNOWN', 'UNKNOWN'],
    ['ACCEPTED', 'DEADLINE_EXCEEDED', 'UNKNOWN'],
    ['RUNNING', 'DEADLINE_EXCEEDED', 'UNKNOWN'],
  ])('at its deadline a %s task fails as %s, billed %s; a moment before it does not', (status, code, billed) => {
    const generation = withTask(status, { nextAt: later(1e9) });
    const [task] = generation.tasks;
    const report: Report = { kind: 'TIME_UP', taskId: the(task).id };
    const deadline = the(task).deadlineAt;
    const before = { ...MOMENT, at: new Date(deadline.getTime() - 1) };
    expect(applyReport(generation, report, before)).toBe(generation);
    const cost = billed === 'NO' ? refunded : unknown;
    expect(applyReport(generation, report, { ...MOMENT, at: deadline }).tasks).toEqual([
      { ...task, ...ended, ...told(code, billed), status: 'FAILED', cost, nextAt: deadline, finishedAt: deadline },
    ]);
  });

  test('an UNCERTAIN task whose hold is over fails as OUTCOME_UNKNOWN, not a moment sooner', () => {
    const generation = withTask('UNCERTAIN', { nextAt: later(5_000) });
    const [task] = generation.tasks;
    const report: Report = { kind: 'TIME_UP', taskId: the(task).id };
    expect(applyReport(generation, report, { ...MOMENT, at: later(4_999) })).toBe(generation);
    expect(applyReport(generation, report, { ...MOMENT, at: later(5_000) }).tasks).toEqual([
      expect.objectContaining({ status: 'FAILED', ...told('OUTCOME_UNKNOWN', 'UNKNOWN') }),
    ]);
  });

  test.each<TaskStatus>(['SUBMITTING', 'COLLECTING'])('no deadline ends a %s task: its own exit does', (status) => {
    const generation = withTask(status);
    const report: Report = { kind: 'TIME_UP', taskId: the(generation.tasks[0]).id };
    expect(applyReport(generation, report, { ...MOMENT, at: later(1e9) })).toBe(generation);
  });

  test('a deadline that ends a task which was refused for now says what stood in its way', () => {
    const generation = withTask('QUEUED', { failure: { ...failure, code: 'RATE_LIMITED' } });
    const report: Report = { kind: 'TIME_UP', taskId: the(generation.tasks[0]).id };
    const [task] = applyReport(generation, report, { ...MOMENT, at: later(1e9) }).tasks;
    expect(task?.failure).toMatchObject({ code: 'RATE_LIMITED', billed: 'NO', retryable: true });
    expect(task?.failure?.message).toMatch(/^The provider stumbled\. The deadline passed before/);
  });

  test('the acceptance of a task that was canceled meanwhile is kept, and the task stays canceled', () => {
    const generation = withTask('CANCELED', { submissionId: 'sub_1', providerTaskId: null, finishedAt: at });
    const [task] = generation.tasks;
    const accept = answered({ kind: 'ACCEPTED', providerTaskId: 'theirs', credits: null, etaSeconds: null })(the(task));
    const after = applyReport(generation, accept, MOMENT);
    expect(after.tasks).toEqual([{ ...task, providerTaskId: 'theirs', acceptedAt: at }]);
    expect(changesBetween(generation, after).map(({ type }) => type)).toEqual(['TASK_CHANGED']);
  });

  test.each<[string, PollReport]>([
    ['PENDING', { kind: 'PENDING', etaSeconds: 3 }],
    ['MISSING', { kind: 'MISSING', failure: trouble }],
    ['SILENT', { kind: 'SILENT', failure: trouble, retryAfterMs: 5 }],
    ['no more percent than before', { kind: 'RUNNING', percent: 40, etaSeconds: 1 }],
    ['less percent than before', { kind: 'RUNNING', percent: 39.9, etaSeconds: 1 }],
    ['no percent', { kind: 'RUNNING', percent: null, etaSeconds: 1 }],
  ])('a poll that says %s changes nothing', (_word, report) => {
    const generation = withTask('RUNNING', { percent: 40 });
    expect(applyReport(generation, polled(report)(the(generation.tasks[0])), MOMENT)).toBe(generation);
  });

  test('a stored image fills in its facts, and the last one ends the task', () => {
    const collecting = collect(withTask('RUNNING'), 2);
    const [first, second] = collecting.assets;
    const once = applyReport(collecting, stored(collecting, 0), MOMENT);
    expect(once.assets).toEqual([{ ...first, state: 'STORED', ...sampleFacts() }, second]);
    expect(once.tasks).toEqual(collecting.tasks);
    const twice = applyReport(once, stored(once, 1), MOMENT);
    expect(twice).toMatchObject({ status: 'SUCCEEDED', percent: 100, finishedAt: at, failure: null });
    expect(twice.tasks).toEqual([
      { ...collecting.tasks[0], ...ended, status: 'SUCCEEDED', percent: 100, cost: unknown4 },
    ]);
  });
  const unknown4 = { ...unknown, providerCredits: '4' };

  test('fewer images than were asked for end it as PARTIALLY_SUCCEEDED, none stored as FAILED', () => {
    const one = collect(withTask('RUNNING'), 1);
    expect(applyReport(one, stored(one, 0), MOMENT)).toMatchObject({ status: 'PARTIALLY_SUCCEEDED', percent: 100 });
    const lost = applyReport(one, lostOf(one, 0), MOMENT);
    expect(lost).toMatchObject({ status: 'FAILED', percent: 99, failure: { ...failure, code: 'RESULT_INVALID' } });
  });

  test('an image is settled once: what is said of it later changes nothing', () => {
    const collecting = collect(withTask('RUNNING'), 2);
    const once = applyReport(collecting, stored(collecting, 0), MOMENT);
    expect(applyReport(once, stored(once, 0), MOMENT)).toBe(once);
    expect(applyReport(once, lostOf(once, 0), MOMENT)).toBe(once);
  });

  test('fresh URLs replace those of images that are not home yet, and are counted', () => {
    const collecting = collect(withTask('RUNNING'), 2);
    const once = applyReport(collecting, stored(collecting, 0), MOMENT);
    const images = [
      { url: 'https://fresh.example.com/0', seed: null },
      { url: 'https://fresh.example.com/1', seed: null },
    ];
    const report: Report = { kind: 'REFRESHED', ...of(the(once.tasks[0])), images, resultTtlSeconds: 60 };
    const providerUrl = 'https://fresh.example.com/1';
    expect(applyReport(once, report, MOMENT).assets).toEqual([
      once.assets[0],
      { ...once.assets[1], providerUrl, providerUrlExpiresAt: later(60_000), refreshes: 1 },
    ]);
  });

  test('a report about a task of another generation changes nothing', () => {
    const generation = withTask('QUEUED');
    expect(applyReport(generation, { kind: 'CANCEL', taskId: 'tsk_other' }, MOMENT)).toBe(generation);
  });
});

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

/** A generation with one task for two images, which is in this status and held under token 5. */
function withTask(status: TaskStatus, changes: Partial<Task> = {}): Generation {
  const generation = sampled([2], status);
  return { ...generation, tasks: generation.tasks.map((task) => ({ ...task, ...changes })) };
}

function both(status: TaskStatus): Generation {
  return sampled([2, 2], status);
}

function sampled(counts: number[], status: TaskStatus): Generation {
  const generation = sampleGeneration(counts, { at: START });
  const held = { status, leaseToken: 5, workerId: 'wrk_1', tries: 1 };
  const tasks = generation.tasks.map((task) => ({ ...task, ...held }));
  if (status === 'QUEUED') return { ...generation, tasks };
  const sent = tasks.map((task) => ({ ...task, submissionId: 'sub_1', submittedAt: START }));
  return deriveGeneration({ ...generation, tasks: sent }, START);
}

function collect(generation: Generation, count: number, task = 0): Generation {
  const report = polled({ kind: 'FINISHED', images: sampleImages(count), credits: '4' });
  return applyReport(generation, report(the(generation.tasks[task])), MOMENT);
}

function stored({ tasks, assets }: Generation, asset: number): Report {
  return { kind: 'STORED', ...of(the(tasks[0])), assetId: the(assets[asset]).id, facts: sampleFacts() };
}

function lostOf({ tasks, assets }: Generation, asset: number): Report {
  const failure = sampleTrouble({ code: 'RESULT_INVALID' });
  return { kind: 'LOST', ...of(the(tasks[0])), assetId: the(assets[asset]).id, failure };
}

function answered(report: SubmitReport): (task: Task) => Report {
  return (task) => ({ kind: 'SUBMITTED', taskId: task.id, submissionId: 'sub_1', report });
}

function polled(report: PollReport): (task: Task) => Report {
  return (task) => ({ kind: 'POLLED', ...of(task), pollCount: task.pollCount + 1, report, resultTtlSeconds: 3600 });
}

function of({ id: taskId, leaseToken: token }: Task): { taskId: string; token: number } {
  return { taskId, token };
}

function taskOf({ tasks }: Generation): Task {
  return the(tasks[0]);
}

function the<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('It should be there.');
  return value;
}

function pairs(before: Generation, after: Generation): (readonly [Task, Task])[] {
  return before.tasks.map((task, i) => [task, the(after.tasks[i])] as const);
}

function stateOf({ state }: Asset): string {
  return state;
}
