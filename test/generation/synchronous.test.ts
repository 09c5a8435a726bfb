import { describe, expect, test } from 'vitest';
import { slotsOf } from '../../src/generation/derive.ts';
import type { Recovery } from '../../src/generation/draft.ts';
import { applyReport } from '../../src/generation/machine.ts';
import type { Finished } from '../../src/generation/provider-report.ts';
import type { Report } from '../../src/generation/report.ts';
import type { Generation, Task } from '../../src/generation/types.ts';
import { answered, MOMENT, of, taskOf, withTask } from './reports.ts';
import { sampleFacts, sampleImages, sampleTrouble } from './samples.ts';
import { momentAt } from './story.ts';

const blocked = sampleTrouble({ code: 'MODERATED_OUTPUT', billed: 'NO', retryable: false });
const finished = (count: number, more: Partial<Finished> = {}): Finished => {
  return { kind: 'FINISHED', images: sampleImages(count), credits: null, ...more };
};
const arrived = (count: number) => (task: Task) => {
  return { kind: 'ARRIVED' as const, taskId: task.id, submissionId: 'sub_1', images: sampleImages(count) };
};
const estimated = (percent: number) => (task: Task) => {
  return { kind: 'ESTIMATED' as const, taskId: task.id, submissionId: 'sub_1', percent };
};

describe('a provider that answers a submission with the images', () => {
  test('has them stored as they come, each once, and its progress is what came', () => {
    const after = tell(withTask('SUBMITTING'), arrived(1), arrived(1), arrived(2));
    expect(after.assets.map(({ index, state }) => [index, state])).toEqual([
      [0, 'PENDING'],
      [1, 'PENDING'],
    ]);
    expect(taskOf(tell(withTask('SUBMITTING'), arrived(1)))).toMatchObject({ percent: 50, progressBasis: 'REPORTED' });
  });

  test('is collected from when it is done; what it did not make says why', () => {
    const after = tell(withTask('SUBMITTING'), arrived(1), answered(finished(1, { undelivered: [blocked] })));
    expect(taskOf(after)).toMatchObject({ status: 'COLLECTING', percent: 99, acceptedAt: MOMENT.at, failure: null });
    const ended = tell(after, storedAll);
    expect(ended.status).toBe('PARTIALLY_SUCCEEDED');
    expect(slotsOf(ended).map(({ asset, failure }) => asset?.state ?? [failure?.code, failure?.billed])).toEqual([
      'STORED',
      ['MODERATED_OUTPUT', 'NO'],
    ]);
  });

  test('without a single image it fails for the reason that it gives', () => {
    const after = tell(withTask('SUBMITTING'), answered(finished(0, { undelivered: [blocked, blocked] })));
    expect(after).toMatchObject({ status: 'FAILED', failure: { code: 'MODERATED_OUTPUT', billed: 'NO' } });
  });

  test.each<[string, (task: Task) => Report]>([
    ['its connection breaks', answered({ kind: 'AMBIGUOUS', failure: sampleTrouble() })],
    ['its worker dies', ({ id: taskId }) => ({ kind: 'ABANDONED', taskId })],
  ])('when %s keeps what had come; for the rest nobody knows', (_, broken) => {
    const after = tell(withTask('SUBMITTING'), arrived(1), broken);
    expect(taskOf(after)).toMatchObject({ status: 'COLLECTING', failure: null });
    const ended = tell(after, storedAll);
    expect(ended.status).toBe('PARTIALLY_SUCCEEDED');
    expect(slotsOf(ended)[1]?.failure).toMatchObject({ code: 'OUTCOME_UNKNOWN', billed: 'UNKNOWN' });
    expect(tell(withTask('SUBMITTING'), broken).tasks[0]?.status).toBe('UNCERTAIN');
  });

  test('where more can still be learned, what had come waits with the task', () => {
    const ambiguous = answered({ kind: 'AMBIGUOUS', failure: sampleTrouble() });
    const after = tellAt('ASK', withTask('SUBMITTING'), arrived(1), ambiguous);
    expect(taskOf(after).status).toBe('UNCERTAIN');
    expect(after.assets).toHaveLength(1);
  });

  test('after a cancellation brings its pictures all the same, and their bill', () => {
    const cancel = ({ id: taskId }: Task): Report => ({ kind: 'CANCEL', taskId });
    const canceled = tell(withTask('SUBMITTING'), arrived(1), cancel);
    const cost = { amount: '0.05', currency: 'USD' };
    const late = tell(canceled, arrived(2), answered(finished(2, { cost })));
    expect(late.status).toBe('CANCELED');
    expect(taskOf(late)).toMatchObject({ failure: { code: 'CANCELED', billed: 'YES' }, cost: { settled: cost } });
    expect(taskOf(late).settleUntil).not.toBeNull();
    const kept = tell(late, storedAll);
    expect(kept.assets.map(({ state }) => state)).toEqual(['STORED', 'STORED']);
    expect(taskOf(kept)).toMatchObject({ status: 'CANCELED', settleUntil: null });
  });
});

test.each<[string, (task: Task) => Report]>([
  ['canceled', ({ id: taskId }) => ({ kind: 'CANCEL', taskId })],
  ['resolved', ({ id: taskId }) => ({ kind: 'RESOLVED', taskId, billed: true })],
  ['out of its hold', ({ id: taskId }) => ({ kind: 'TIME_UP', taskId })],
])('what had come of a task that is %s before its answer is brought home', (_, end) => {
  const uncertain = withTask('UNCERTAIN', { holdUntil: MOMENT.at });
  const ended = tell(uncertain, arrived(1), end);
  expect(taskOf(ended).finishedAt).not.toBeNull();
  expect(taskOf(ended)).toMatchObject({ workerId: null, settleUntil: expect.any(Date) });
  const kept = tell(ended, storedAll);
  expect(kept.assets.map(({ state }) => state)).toEqual(['STORED']);
  expect(taskOf(kept).settleUntil).toBeNull();
});

test('an answer that comes after it was thought to have broken off brings the rest, and why some are missing', () => {
  const broken = answered({ kind: 'AMBIGUOUS', failure: sampleTrouble() });
  const collecting = tell(withTask('SUBMITTING', { imageCount: 3 }), arrived(1), broken);
  const after = tell(collecting, answered(finished(2, { undelivered: [blocked] })));
  expect(taskOf(after)).toMatchObject({ status: 'COLLECTING', undelivered: [{ code: 'MODERATED_OUTPUT' }] });
  expect(after.assets).toHaveLength(2);
});

describe('what is estimated of it', () => {
  test('rises, never reaches the end, and gives way to what the provider tells', () => {
    const after = tell(withTask('SUBMITTING'), estimated(30), estimated(20), estimated(250));
    expect(taskOf(after)).toMatchObject({ percent: 99, progressBasis: 'ESTIMATED' });
    const told = tell(withTask('SUBMITTING'), estimated(30), arrived(1), estimated(90));
    expect(taskOf(told)).toMatchObject({ percent: 50, progressBasis: 'REPORTED' });
  });

  test('stays an estimate where what has come is less', () => {
    const after = tell(withTask('SUBMITTING'), estimated(80), arrived(1));
    expect(after.assets).toHaveLength(1);
    expect(taskOf(after)).toMatchObject({ percent: 80, progressBasis: 'ESTIMATED' });
  });

  test('says nothing of another submission, nor of a task that is not being sent', () => {
    const running = withTask('RUNNING');
    expect(tell(running, estimated(30))).toBe(running);
    const other = withTask('SUBMITTING', { submissionId: 'sub_2' });
    expect(tell(other, estimated(30), arrived(1))).toBe(other);
  });
});

describe('the bill', () => {
  const reserved = { amount: '0.07', currency: 'USD' };
  const priced = (task: Partial<Task> = {}) => {
    return withTask('SUBMITTING', {
      cost: { basis: 'RESERVED', reserved, settled: null, providerCredits: null },
      ...task,
    });
  };

  test('is what the provider says in money', () => {
    const cost = { amount: '0.05', currency: 'USD' };
    const ended = tell(priced(), answered(finished(2, { cost })), storedAll);
    expect(taskOf(ended).cost).toMatchObject({ basis: 'SETTLED', reserved, settled: cost });
  });

  test('is the known price where exactly what was ordered was made, and unknown where it was not', () => {
    const whole = tell(priced(), answered(finished(2)), storedAll);
    expect(taskOf(whole).cost).toMatchObject({ basis: 'SETTLED', settled: reserved });
    const part = tell(priced(), answered(finished(1)), storedAll);
    expect(taskOf(part).cost).toMatchObject({ basis: 'UNKNOWN', settled: null });
  });
});

type Step = ((task: Task) => Report) | ((generation: Generation) => Report[]);

function tell(generation: Generation, ...reports: (((task: Task) => Report) | typeof storedAll)[]): Generation {
  return tellAt('NONE', generation, ...reports);
}

function tellAt(recovery: Recovery, generation: Generation, ...steps: Step[]): Generation {
  return steps.reduce((state, step) => {
    const made = step === storedAll ? storedAll(state) : [(step as (task: Task) => Report)(taskOf(state))];
    return made.reduce((now, report) => applyReport(now, report, momentAt(MOMENT.at, recovery)), state);
  }, generation);
}

function storedAll(generation: Generation): Report[] {
  const task = taskOf(generation);
  return generation.assets.map(({ id }) => ({ kind: 'STORED', ...of(task), assetId: id, facts: sampleFacts() }));
}
