import { describe, expect, test } from 'vitest';
import { changesBetween } from '../../src/generation/changes.ts';
import { applyReport } from '../../src/generation/machine.ts';
import type { PollReport } from '../../src/generation/provider-report.ts';
import type { Report } from '../../src/generation/report.ts';
import type { Task, TaskStatus } from '../../src/generation/types.ts';
import { answered, collect, lostOf, MOMENT, of, polled, stored, the, withTask } from './reports.ts';
import { sampleFacts, sampleImages, sampleTrouble } from './samples.ts';
import { HOLD_MS } from './story.ts';

const DAY_MS = 86_400_000;

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
      { ...freed, nextAt: later(HOLD_MS), status: 'UNCERTAIN', failure, holdUntil: later(HOLD_MS), tries: 0 },
    ],
    [
      'when its sender fell silent it is UNCERTAIN for the hold',
      'SUBMITTING',
      ({ id: taskId }) => ({ kind: 'ABANDONED', taskId }),
      {
        ...freed,
        nextAt: later(HOLD_MS),
        status: 'UNCERTAIN',
        ...told('OUTCOME_UNKNOWN', 'UNKNOWN'),
        holdUntil: later(HOLD_MS),
        tries: 0,
      },
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
      { status: 'RUNNING', percent: 30.5, progressBasis: 'REPORTED', etaSeconds: 4, pollCount: 1, nextAt: at },
    ],
    [
      'more than 99 percent is not believed before the end',
      'RUNNING',
      polled({ kind: 'RUNNING', percent: 180, etaSeconds: null }),
      { percent: 99, progressBasis: 'REPORTED', etaSeconds: null, pollCount: 1 },
    ],
    [
      'finished images free it for the collector',
      'RUNNING',
      polled({ kind: 'FINISHED', images: sampleImages(2), credits: '4' }),
      {
        ...freed,
        status: 'COLLECTING',
        percent: 99,
        progressBasis: 'REPORTED',
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
    const generation = withTask(status, { nextAt: later(1e9), holdUntil: status === 'UNCERTAIN' ? later(1e9) : null });
    const [task] = generation.tasks;
    const report: Report = { kind: 'TIME_UP', taskId: the(task).id };
    const deadline = the(task).deadlineAt;
    const before = { ...MOMENT, at: new Date(deadline.getTime() - 1) };
    expect(applyReport(generation, report, before)).toBe(generation);
    const cost = billed === 'NO' ? refunded : unknown;
    const asked = { settleUntil: new Date(deadline.getTime() + DAY_MS), tries: 0 };
    expect(applyReport(generation, report, { ...MOMENT, at: deadline }).tasks).toEqual([
      {
        ...task,
        ...ended,
        ...told(code, billed),
        status: 'FAILED',
        cost,
        nextAt: deadline,
        finishedAt: deadline,
        holdUntil: null,
        ...(code === 'DEADLINE_EXCEEDED' && billed !== 'NO' && asked),
      },
    ]);
  });

  test('an UNCERTAIN task whose hold is over fails as OUTCOME_UNKNOWN, not a moment sooner', () => {
    const generation = withTask('UNCERTAIN', { holdUntil: later(5_000) });
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
    const asked = { nextAt: at, settleUntil: later(DAY_MS), tries: 0 };
    expect(after.tasks).toEqual([{ ...task, providerTaskId: 'theirs', acceptedAt: at, ...asked }]);
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

  test('fresh URLs replace those of images whose URL was stale and that are not home yet, and are counted', () => {
    const collecting = collect(withTask('RUNNING'), 3);
    const once = applyReport(collecting, stored(collecting, 0), MOMENT);
    const images = [0, 1, 2].map((position) => ({ url: `https://fresh.example.com/${position}`, seed: null }));
    const staleIds = [the(once.assets[0]).id, the(once.assets[1]).id];
    const report: Report = { kind: 'REFRESHED', ...of(the(once.tasks[0])), images, staleIds, resultTtlSeconds: 60 };
    const providerUrl = 'https://fresh.example.com/1';
    expect(applyReport(once, report, MOMENT).assets).toEqual([
      once.assets[0],
      { ...once.assets[1], providerUrl, providerUrlExpiresAt: later(60_000), refreshes: 1 },
      once.assets[2],
    ]);
  });

  test('a look that found no image is counted against that image alone', () => {
    const collecting = collect(withTask('RUNNING'), 2);
    const [first, second] = collecting.assets;
    const report: Report = { kind: 'NOT_THERE', ...of(the(collecting.tasks[0])), assetId: the(first).id };
    expect(applyReport(collecting, report, MOMENT).assets).toEqual([{ ...first, badLooks: 1 }, second]);
  });

  test('a report about a task of another generation changes nothing', () => {
    const generation = withTask('QUEUED');
    expect(applyReport(generation, { kind: 'CANCEL', taskId: 'tsk_other' }, MOMENT)).toBe(generation);
  });
});
