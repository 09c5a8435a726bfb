import { describe, expect, test } from 'vitest';
import { changesBetween } from '../../src/generation/changes.ts';
import { slotsOf } from '../../src/generation/derive.ts';
import type { Recovery } from '../../src/generation/draft.ts';
import { applyReport } from '../../src/generation/machine.ts';
import type { PollReport, SubmitReport } from '../../src/generation/provider-report.ts';
import type { Report } from '../../src/generation/report.ts';
import type { Generation, OnUncertain, Task, TaskStatus } from '../../src/generation/types.ts';
import { answered, MOMENT, of, stored, taskOf, the, withTask } from './reports.ts';
import { sampleFacts, sampleImages, sampleTrouble } from './samples.ts';
import { HOLD_MS, momentAt } from './story.ts';

const DAY_MS = 86_400_000;
const later = (ms: number) => new Date(MOMENT.at.getTime() + ms);
const accepted: Extract<SubmitReport, { kind: 'ACCEPTED' }> = {
  kind: 'ACCEPTED',
  providerTaskId: 'theirs',
  credits: '2.5',
  etaSeconds: null,
};
const finished: PollReport = { kind: 'FINISHED', images: sampleImages(2), credits: '4' };
const ambiguous: SubmitReport = { kind: 'AMBIGUOUS', failure: sampleTrouble() };

describe('an UNCERTAIN task', () => {
  test.each<[OnUncertain, Recovery, number]>([
    ['WAIT', 'NONE', HOLD_MS],
    ['WAIT', 'CALLBACK', HOLD_MS],
    ['WAIT', 'ASK', HOLD_MS],
    ['FAIL', 'NONE', 0],
    ['FAIL', 'CALLBACK', 0],
    ['FAIL', 'ASK', HOLD_MS],
    ['RESUBMIT', 'NONE', 0],
    ['RESUBMIT', 'CALLBACK', HOLD_MS],
    ['RESUBMIT', 'ASK', HOLD_MS],
  ])('under %s, where the way to learn more is %s, is held for %i ms', (onUncertain, recovery, ms) => {
    const generation = routed(withTask('SUBMITTING'), onUncertain);
    const after = applyReport(generation, answered(ambiguous)(taskOf(generation)), momentAt(MOMENT.at, recovery));
    // What nobody can ask about has nothing to do before the end of the hold.
    const nextAt = recovery === 'ASK' ? MOMENT.at : later(ms);
    expect(taskOf(after)).toMatchObject({ status: 'UNCERTAIN', nextAt, holdUntil: later(ms) });
  });

  test.each<OnUncertain>(['WAIT', 'FAIL'])(
    'under %s is never sent again: it fails as OUTCOME_UNKNOWN',
    (onUncertain) => {
      const held = routed(withTask('UNCERTAIN', { holdUntil: MOMENT.at }), onUncertain);
      const after = timeUp(held);
      expect(after.tasks).toHaveLength(1);
      expect(after).toMatchObject({ status: 'FAILED', failure: { code: 'OUTCOME_UNKNOWN', billed: 'UNKNOWN' } });
    },
  );

  test('under RESUBMIT is followed by another attempt at the same slots, until there were three', () => {
    const first = routed(withTask('UNCERTAIN', { holdUntil: MOMENT.at }), 'RESUBMIT');
    const second = timeUp(first);
    expect(second.status).toBe('RUNNING');
    expect(
      second.tasks.map(({ status, attempt, firstSlot, imageCount }) => [status, attempt, firstSlot, imageCount]),
    ).toEqual([
      ['FAILED', 1, 0, 2],
      ['QUEUED', 2, 0, 2],
    ]);
    expect(the(second.tasks[1]).routeReason).toContain('pay twice');
    expect(the(second.tasks[1])).toMatchObject({ submissionId: null, providerTaskId: null, failure: null, tries: 0 });

    const uncertainAgain = withLast(second, { status: 'UNCERTAIN', holdUntil: MOMENT.at, submissionId: 'sub_2' });
    const third = timeUp(uncertainAgain, 1);
    expect(third.tasks.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    const last = timeUp(withLast(third, { status: 'UNCERTAIN', holdUntil: MOMENT.at }), 2);
    expect([last.status, last.tasks.length]).toEqual(['FAILED', 3]);
  });

  test('past its deadline is not sent again, whatever its caller accepts', () => {
    const held = routed(withTask('UNCERTAIN', { holdUntil: MOMENT.at, deadlineAt: MOMENT.at }), 'RESUBMIT');
    expect(timeUp(held).tasks).toHaveLength(1);
  });

  test('whose first attempt turns up after all gets its pictures beside the slots, which are those of the second', () => {
    const two = timeUp(routed(withTask('UNCERTAIN', { holdUntil: MOMENT.at }), 'RESUBMIT'));
    const found = tell(two, answered(accepted)(the(two.tasks[0])), settled(finished));
    const second = withLast(found, { status: 'RUNNING', providerTaskId: 'theirs-2', leaseToken: 1 });
    const task = the(second.tasks[1]);
    const report: Report = { kind: 'POLLED', ...of(task), pollCount: 1, report: finished, resultTtlSeconds: 3600 };
    const both = applyReport(second, report, MOMENT);
    expect(both.assets.map(({ index, taskId }) => [index, taskId === the(both.tasks[0]).id])).toEqual([
      [0, false],
      [1, false],
      [2, true],
      [3, true],
    ]);
    const mine = both.assets.filter(({ taskId }) => taskId === task.id);
    const facts = { ...of(task), facts: sampleFacts() };
    const ended = tell(both, ...mine.map(({ id }): Report => ({ kind: 'STORED', ...facts, assetId: id })));
    expect(ended.status).toBe('SUCCEEDED');
  });

  test('whose first attempt brought the only picture ends partially: what is stored is not called a failure', () => {
    const two = timeUp(routed(withTask('UNCERTAIN', { holdUntil: MOMENT.at }), 'RESUBMIT'));
    const one: PollReport = { kind: 'FINISHED', images: sampleImages(1), credits: null };
    const found = tell(two, answered(accepted)(the(two.tasks[0])), settled(one));
    const kept = tell(found, stored(found, 0));
    expect(kept.status).toBe('RUNNING');
    const second = withLast(kept, { status: 'SUBMITTING', submissionId: 'sub_1' });
    const ended = tell(second, answered({ kind: 'REFUSED', failure: sampleTrouble() })(the(second.tasks[1])));
    expect(ended).toMatchObject({ status: 'PARTIALLY_SUCCEEDED', percent: 100, failure: null });
    expect(slotsOf(ended).map(({ asset, failure }) => asset?.state ?? failure?.code)).toEqual([
      'PROVIDER_ERROR',
      'PROVIDER_ERROR',
      'STORED',
    ]);
  });

  test.each([
    [true, 'YES', 'UNKNOWN'],
    [false, 'NO', 'REFUNDED'],
  ])('that an operator resolves as billed: %s fails so, and is not resolved again', (billed, told, basis) => {
    const held = withTask('UNCERTAIN', { holdUntil: later(HOLD_MS) });
    const after = tell(held, resolved(held, billed));
    expect(after.failure).toMatchObject({ code: 'OUTCOME_UNKNOWN', billed: told });
    expect(taskOf(after)).toMatchObject({ status: 'FAILED', holdUntil: null, cost: { basis } });
    expect(tell(after, resolved(after, !billed))).toBe(after);
  });
});

describe('where the provider can be asked about an UNCERTAIN task', () => {
  const asked = momentAt(MOMENT.at, 'ASK');
  const held = withTask('UNCERTAIN', { holdUntil: MOMENT.at });
  const task = taskOf(held);

  test.each<SubmitReport>([
    { kind: 'NOT_NOW', failure: sampleTrouble(), retryAfterMs: null },
    { kind: 'REFUSED', failure: sampleTrouble() },
    ambiguous,
  ])('a late $kind of the first sender proves nothing: another may have sent it once more', (report) => {
    expect(applyReport(held, answered(report)(task), asked)).toBe(held);
  });

  test('only what was found out counts, and an answer that brings the id', () => {
    const recovered = (report: typeof accepted | typeof refused): Report => ({
      kind: 'RECOVERED',
      taskId: task.id,
      submissionId: 'sub_1',
      report,
    });
    const refused = { kind: 'REFUSED' as const, failure: sampleTrouble() };
    const statusAfter = (report: Report) => taskOf(applyReport(held, report, asked)).status;
    expect(statusAfter(recovered(accepted))).toBe('ACCEPTED');
    expect(statusAfter(recovered(refused))).toBe('FAILED');
    expect(statusAfter({ ...recovered(accepted), submissionId: 'sub_2' } as Report)).toBe('UNCERTAIN');
    expect(statusAfter(answered(accepted)(task))).toBe('ACCEPTED');
  });

  test.each<[string, Report]>([
    ['canceled', { kind: 'CANCEL', taskId: task.id }],
    ['out of its hold', { kind: 'TIME_UP', taskId: task.id }],
  ])('it is still asked about for a day once it is %s, elsewhere it is not', (_how, report) => {
    expect(taskOf(applyReport(held, report, asked)).settleUntil).toEqual(later(DAY_MS));
    expect(taskOf(applyReport(held, report, MOMENT)).settleUntil).toBeNull();
  });
});

test('what an operator or a refusal had called free is not, once its provider names it', () => {
  const held = withTask('UNCERTAIN', { holdUntil: later(HOLD_MS) });
  const free = tell(held, resolved(held, false));
  const found = tell(free, answered(accepted)(taskOf(free)));
  expect(taskOf(found)).toMatchObject({
    failure: { billed: 'UNKNOWN' },
    cost: { basis: 'UNKNOWN', providerCredits: '2.5' },
  });
});

test('nothing is sent for an order whose deadline has passed', () => {
  const late = withTask('QUEUED', { deadlineAt: MOMENT.at });
  const after = tell(late, { kind: 'SENDING', ...of(taskOf(late)), submissionId: 'sub_9' });
  expect(taskOf(after)).toMatchObject({
    status: 'FAILED',
    submissionId: null,
    failure: { code: 'DEADLINE_EXCEEDED', billed: 'NO' },
  });
});

test('fresh URLs go to the images in the order in which they were reported, whatever slots they have', () => {
  const running = withTask('RUNNING', { providerTaskId: 'theirs' });
  const collecting = tell(running, {
    kind: 'POLLED',
    ...of(taskOf(running)),
    pollCount: 1,
    report: finished,
    resultTtlSeconds: 60,
  });
  const [first, second] = [the(collecting.assets[0]), the(collecting.assets[1])];
  const swapped = {
    ...collecting,
    assets: [
      { ...second, index: 0 },
      { ...first, index: 2 },
    ],
  };
  const images = [
    { url: 'https://fresh.example/1', seed: null },
    { url: 'https://fresh.example/2', seed: null },
  ];
  const about = { ...of(taskOf(swapped)), staleIds: [first.id, second.id], resultTtlSeconds: 60 };
  const after = tell(swapped, { kind: 'REFRESHED', ...about, images });
  expect(after.assets.map(({ id, providerUrl }) => [id, providerUrl])).toEqual([
    [second.id, 'https://fresh.example/2'],
    [first.id, 'https://fresh.example/1'],
  ]);
});

describe('a task that is over before its provider', () => {
  const tooLate = () => timeUp(withTask('RUNNING', { providerTaskId: 'theirs', deadlineAt: MOMENT.at }));

  test('is asked about for another day when its deadline, its caller or a 404 ended it, and not when the provider did', () => {
    const running = () => withTask('RUNNING', { providerTaskId: 'theirs', deadlineAt: MOMENT.at });
    const poll = (report: PollReport): Report => ({
      kind: 'POLLED',
      ...of(taskOf(running())),
      pollCount: 1,
      report,
      resultTtlSeconds: 1,
    });
    const ended = (reportOf: (task: Task) => Report) => {
      const generation = running();
      return taskOf(tell(generation, reportOf(taskOf(generation)))).settleUntil;
    };
    const failed = (code: 'PROVIDER_LOST' | 'PROVIDER_ERROR' | 'CANCELED') => (task: Task) => ({
      ...poll({ kind: 'FAILED', failure: sampleTrouble({ code }) }),
      taskId: task.id,
    });
    expect(ended(({ id: taskId }) => ({ kind: 'TIME_UP', taskId }))).toEqual(later(DAY_MS));
    expect(ended(({ id: taskId }) => ({ kind: 'CANCEL', taskId }))).toEqual(later(DAY_MS));
    expect(ended(failed('PROVIDER_LOST'))).toEqual(later(DAY_MS));
    expect(ended(failed('PROVIDER_ERROR'))).toBeNull();
    expect(ended(failed('CANCELED'))).toBeNull();
  });

  test('gets its late pictures: status and times stay, the version rises with each step, the cost is booked', () => {
    const start = tooLate();
    const found = tell(start, settled(finished));
    expect(found.assets.map(({ index, state }) => [index, state])).toEqual([
      [0, 'PENDING'],
      [1, 'PENDING'],
    ]);
    expect(changesBetween(start, found).map(({ type }) => type)).toEqual(['COST_SETTLED']);
    const kept = tell(found, stored(found, 0), stored(found, 1));
    expect(changesBetween(found, kept).map(({ type }) => type)).toEqual(['ASSET_STORED', 'ASSET_STORED']);
    expect(kept).toMatchObject({ status: 'FAILED', finishedAt: start.finishedAt, percent: start.percent });
    expect(kept.failure).toEqual(start.failure);
    expect(slotsOf(kept).map(({ asset }) => asset?.state)).toEqual(['STORED', 'STORED']);
    expect(taskOf(kept)).toMatchObject({ status: 'FAILED', settleUntil: null, cost: { providerCredits: '4' } });
    expect(tell(kept, settled(finished))).toBe(kept);
  });

  test('and that failed there has the bill its provider tells, once', () => {
    const start = tooLate();
    const free = tell(start, settled({ kind: 'FAILED', failure: sampleTrouble({ billed: 'NO' }) }));
    expect(taskOf(free)).toMatchObject({ failure: { code: 'DEADLINE_EXCEEDED', billed: 'NO' }, settleUntil: null });
    expect(taskOf(free).cost.basis).toBe('REFUNDED');
    expect(changesBetween(start, free).map(({ type }) => type)).toEqual(['COST_SETTLED']);
  });

  test('is given up when the next look would come after its day, unless a picture waits to be kept', () => {
    const inHand = (generation: Generation) => withLast(generation, { workerId: 'wrk_2' });
    const start = inHand(tooLate());
    const delay = (generation: Generation, delayMs: number): Report => ({
      kind: 'DELAYED',
      ...of(taskOf(generation)),
      delayMs,
    });
    expect(taskOf(tell(start, delay(start, 1_000))).settleUntil).toEqual(later(DAY_MS));
    expect(taskOf(tell(start, delay(start, DAY_MS))).settleUntil).toBeNull();
    const found = inHand(tell(start, settled(finished)));
    expect(taskOf(tell(found, delay(found, DAY_MS))).settleUntil).toEqual(later(DAY_MS));
  });

  test.each<[string, Generation]>([
    ['canceled while it was sent', tell(withTask('SUBMITTING'), { kind: 'CANCEL', taskId: '' })],
    ['failed as OUTCOME_UNKNOWN', timeUp(withTask('UNCERTAIN', { holdUntil: MOMENT.at }))],
  ])('and was %s keeps the id that its answer brings, and is asked about', (_how, generation) => {
    const { status } = taskOf(generation);
    const found = tell(generation, answered(accepted)(taskOf(generation)));
    expect(taskOf(found)).toMatchObject({
      status,
      providerTaskId: 'theirs',
      nextAt: MOMENT.at,
      settleUntil: later(DAY_MS),
      cost: { providerCredits: '2.5' },
    });
    expect(changesBetween(generation, found).map(({ type }) => type)).toEqual(['TASK_CHANGED']);
  });

  test('is known to be free once its answer proves that it was not taken', () => {
    const canceled = tell(withTask('SUBMITTING'), { kind: 'CANCEL', taskId: '' });
    const refused = tell(canceled, answered({ kind: 'REFUSED', failure: sampleTrouble() })(taskOf(canceled)));
    expect(taskOf(refused)).toMatchObject({
      status: 'CANCELED',
      failure: { billed: 'NO' },
      cost: { basis: 'REFUNDED' },
    });
  });
});

test.each<TaskStatus>(['RUNNING', 'COLLECTING', 'SUCCEEDED', 'CANCELED'])(
  'an answer that comes after the callback of its own task, now %s, brings the credits, and nothing else',
  (status) => {
    const generation = withTask(status, { providerTaskId: 'theirs', acceptedAt: MOMENT.at });
    const task = taskOf(generation);
    const after = tell(generation, answered(accepted)(task));
    expect(taskOf(after)).toEqual({ ...task, cost: { ...task.cost, providerCredits: '2.5' } });
    expect(changesBetween(generation, after)).toHaveLength(1);
    expect(tell(generation, answered({ ...accepted, providerTaskId: 'others' })(task))).toBe(generation);
  },
);

test('images that nobody could keep are given up an hour after their URLs died, not sooner', () => {
  const running = withTask('RUNNING', { providerTaskId: 'theirs' });
  const collecting = tell(running, {
    kind: 'POLLED',
    ...of(taskOf(running)),
    pollCount: 1,
    report: finished,
    resultTtlSeconds: 60,
  });
  const report: Report = { kind: 'TIME_UP', taskId: taskOf(collecting).id };
  const dead = later(60_000 + 3_600_000);
  expect(applyReport(collecting, report, momentAt(new Date(dead.getTime() - 1)))).toBe(collecting);
  const lost = applyReport(collecting, report, momentAt(dead));
  expect(lost.assets.map(({ state, failure }) => [state, failure?.code])).toEqual([
    ['LOST', 'INTERNAL'],
    ['LOST', 'INTERNAL'],
  ]);
  expect(lost.status).toBe('FAILED');
});

test('what went out of a worker’s hand is not put off by it: a callback may have adopted it meanwhile', () => {
  const adopted = withTask('ACCEPTED', { providerTaskId: 'theirs', workerId: null });
  const delay = { kind: 'DELAYED' as const, ...of(taskOf(adopted)), delayMs: 600_000 };
  expect(tell(adopted, delay)).toBe(adopted);
});

test('a try that was nobody’s fault is not counted', () => {
  const running = withTask('RUNNING', { tries: 3 });
  const delay = { kind: 'DELAYED' as const, ...of(taskOf(running)), delayMs: 1 };
  expect(taskOf(tell(running, delay)).tries).toBe(3);
  expect(taskOf(tell(running, { ...delay, blameless: true })).tries).toBe(2);
});

function routed(generation: Generation, onUncertain: OnUncertain): Generation {
  return { ...generation, routing: { onUncertain } };
}

/** Reports with an empty id are about the first task. */
function tell(generation: Generation, ...reports: Report[]): Generation {
  return reports.reduce(
    (state, report) => applyReport(state, { ...report, taskId: report.taskId || taskOf(state).id }, MOMENT),
    generation,
  );
}

function timeUp(generation: Generation, task = 0): Generation {
  return tell(generation, { kind: 'TIME_UP', taskId: the(generation.tasks[task]).id });
}

function resolved(generation: Generation, billed: boolean): Report {
  return { kind: 'RESOLVED', taskId: taskOf(generation).id, billed };
}

/** Of the first task. */
function settled(report: PollReport): Report {
  return { kind: 'SETTLED', taskId: '', token: 5, report, resultTtlSeconds: 3600 };
}

function withLast(generation: Generation, changes: Partial<Task>): Generation {
  const last = generation.tasks.length - 1;
  return { ...generation, tasks: generation.tasks.map((task, i) => (i === last ? { ...task, ...changes } : task)) };
}
