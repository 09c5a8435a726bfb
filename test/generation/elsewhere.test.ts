import { describe, expect, test } from 'vitest';
import { slotsOf } from '../../src/generation/derive.ts';
import type { Fallback, Moment } from '../../src/generation/draft.ts';
import type { Trouble } from '../../src/generation/failure-code.ts';
import { applyReport } from '../../src/generation/machine.ts';
import type { SubmitReport } from '../../src/generation/provider-report.ts';
import type { Report } from '../../src/generation/report.ts';
import type { Generation, OnFailure, Task } from '../../src/generation/types.ts';
import { answered, MOMENT, of, taskOf, the, withTask } from './reports.ts';
import { sampleTrouble } from './samples.ts';

const refused = (changes: Partial<Trouble> = {}): SubmitReport => {
  const failure = sampleTrouble({ code: 'PROVIDER_REJECTED', billed: 'NO', retryable: false, ...changes });
  return { kind: 'REFUSED', failure };
};
const notNow = (code: Trouble['code'], retryAfterMs: number | null = null): SubmitReport => {
  return { kind: 'NOT_NOW', failure: sampleTrouble({ code, billed: 'NO' }), retryAfterMs };
};

describe('what a provider provably did not take', () => {
  test('goes to the next one, which may need several calls for the same slots', () => {
    const after = tell(withTask('SUBMITTING'), answered(refused()));
    expect(
      after.tasks.map(({ provider, status, attempt, firstSlot }) => [provider, status, attempt, firstSlot]),
    ).toEqual([
      ['kites', 'FAILED', 1, 0],
      ['boats', 'QUEUED', 2, 0],
      ['boats', 'QUEUED', 2, 1],
    ]);
    expect(taskOf(after).failure).toMatchObject({ code: 'PROVIDER_REJECTED', billed: 'NO' });
    expect(after).toMatchObject({ status: 'RUNNING', failure: null, adjustments: [{ sent: 'boats' }] });
    expect(slotsOf(after).map(({ failure }) => failure)).toEqual([null, null]);
  });

  test('fails where nobody else is to be asked, or its caller does not want that', () => {
    expect(tell(withTask('SUBMITTING'), answered(refused()), { onFailure: 'FAIL' })).toMatchObject({
      status: 'FAILED',
      tasks: [{ status: 'FAILED' }],
    });
    const nobody = tell(withTask('SUBMITTING'), answered(refused()), { fallback: null });
    expect(nobody).toMatchObject({ status: 'FAILED', failure: { code: 'PROVIDER_REJECTED' } });
  });

  test.each<[string, SubmitReport, tries: number, elsewhere: boolean]>([
    ['a refused key is for an operator', notNow('PROVIDER_REJECTED'), 1, true],
    ['so are credits', notNow('PROVIDER_CREDITS_EXHAUSTED'), 1, true],
    ['a first 429 is waited for', notNow('RATE_LIMITED', 1_000), 1, false],
    ['a second one is not', notNow('RATE_LIMITED', 1_000), 2, true],
    ['a long one is not either', notNow('RATE_LIMITED', 60_000), 1, true],
    ['nobody there may be chance', notNow('PROVIDER_UNREACHABLE'), 1, false],
    ['not twice', notNow('PROVIDER_UNREACHABLE'), 2, true],
    ['what has not left is sent to the same again', notNow('INTERNAL'), 7, false],
    ['what is forbidden is not carried to the next', refused({ code: 'MODERATED_PROMPT' }), 1, false],
    ['what may be billed stays', refused({ billed: 'UNKNOWN' }), 1, false],
    ['what may have been accepted stays', { kind: 'AMBIGUOUS', failure: sampleTrouble() }, 9, false],
  ])('%s', (_, report, tries, elsewhere) => {
    const after = tell(withTask('SUBMITTING', { tries }), answered(report));
    expect(after.tasks.some(({ provider }) => provider === 'boats')).toBe(elsewhere);
  });

  test('a failure after acceptance buys nowhere else', () => {
    const failed: (task: Task) => Report = (task) => {
      const report = { kind: 'FAILED' as const, failure: sampleTrouble({ billed: 'NO' }) };
      return { kind: 'POLLED', ...of(task), pollCount: 1, report, resultTtlSeconds: 60 };
    };
    expect(tell(withTask('RUNNING', { providerTaskId: 'theirs' }), failed).tasks).toHaveLength(1);
  });
});

describe('what cannot be sent to its provider just now', () => {
  const failure = sampleTrouble({ code: 'PROVIDER_CREDITS_EXHAUSTED', billed: 'NO' });
  const seenAt = new Date('2026-01-01T00:00:00Z');
  const turnedAway = (task: Task): Report => ({ kind: 'TURNED_AWAY', ...of(task), failure, seenAt, delayMs: 9_000 });

  test('goes elsewhere without having been sent', () => {
    const after = tell(withTask('QUEUED'), turnedAway);
    expect(after.tasks.map(({ provider, status }) => [provider, status])).toEqual([
      ['kites', 'FAILED'],
      ['boats', 'QUEUED'],
      ['boats', 'QUEUED'],
    ]);
  });

  test('waits where there is nowhere else, with the reason on it and no try counted', () => {
    const after = tell(withTask('QUEUED', { tries: 3 }), turnedAway, { fallback: null });
    expect(taskOf(after)).toMatchObject({
      status: 'QUEUED',
      workerId: null,
      tries: 2,
      failure: { code: failure.code },
    });
    expect(taskOf(after).nextAt).toEqual(new Date(MOMENT.at.getTime() + 9_000));
  });

  test('is let be by a worker that has lost it', () => {
    const lost = withTask('QUEUED', { workerId: null });
    expect(tell(lost, turnedAway)).toBe(lost);
  });
});

test('a reference that one provider does not take goes to the next, before anything is sent', () => {
  const failure = sampleTrouble({ code: 'REFERENCE_UNREACHABLE', billed: 'NO', retryable: false });
  const after = tell(withTask('QUEUED'), (task) => ({ kind: 'UNFIT', ...of(task), failure }));
  expect(after.tasks.map(({ provider, status }) => [provider, status])).toEqual([
    ['kites', 'FAILED'],
    ['boats', 'QUEUED'],
    ['boats', 'QUEUED'],
  ]);
});

test('a reference that cannot be fetched fails its task before anything is sent, and nowhere else is asked', () => {
  const failure = sampleTrouble({ code: 'REFERENCE_UNREACHABLE', billed: 'NO' });
  const unfit = (task: Task): Report => ({ kind: 'UNFIT', ...of(task), failure });
  const after = tell(withTask('QUEUED'), unfit);
  expect(after).toMatchObject({ status: 'FAILED', failure: { code: 'REFERENCE_UNREACHABLE', billed: 'NO' } });
  expect(taskOf(after)).toMatchObject({ submissionId: null, cost: { basis: 'REFUNDED' } });
  const sending = withTask('SUBMITTING');
  expect(tell(sending, unfit)).toBe(sending);
});

test('of a refused batch each task is sent again, alone; the wait is that of its provider', () => {
  const batch = withTask('SUBMITTING', { place: 1, batchKey: 'bat_1', awaitsCallback: true });
  const report = notNow('PROVIDER_REJECTED', 0);
  const alone = (task: Task): Report => ({
    kind: 'SUBMITTED',
    taskId: task.id,
    submissionId: 'sub_1',
    report,
    alone: true,
  });
  const after = taskOf(tell(batch, alone));
  const sent = { place: null, batchKey: null, awaitsCallback: false, submissionId: null };
  expect(after).toMatchObject({ status: 'QUEUED', ...sent });
  const uncertain = withTask('UNCERTAIN', { place: 1, batchKey: 'bat_1' });
  expect(taskOf(tell(uncertain, alone))).toMatchObject({ status: 'QUEUED', ...sent });
  const canceled = withTask('CANCELED', { place: 1, failure: { ...sampleTrouble(), at: '' } });
  expect(taskOf(tell(canceled, alone))).toMatchObject({ status: 'CANCELED', failure: { billed: 'NO' } });
});

function tell(
  generation: Generation,
  reportOf: (task: Task) => Report,
  { onFailure, fallback }: { onFailure?: OnFailure; fallback?: null } = {},
): Generation {
  const from = onFailure ? { ...generation, routing: { ...generation.routing, onFailure } } : generation;
  const fallbackOf: Moment['fallbackOf'] = (_, task) => (fallback === null ? null : toBoats(task));
  return applyReport(from, reportOf(taskOf(from)), { ...MOMENT, fallbackOf });
}

/** Another provider, which carries one image a call. */
function toBoats(task: Task): Fallback {
  const fresh = the(withTask('QUEUED').tasks[0]);
  const tasks = Array.from({ length: task.imageCount }, (_, i): Task => {
    const place = { firstSlot: task.firstSlot + i, imageCount: 1, attempt: task.attempt + 1 };
    return { ...fresh, id: `${task.id}-${i}`, generationId: task.generationId, provider: 'boats', ...place };
  });
  return { tasks, adjustments: [{ path: ['size'], asked: 'kites', sent: 'boats', reason: 'a test' }] };
}
