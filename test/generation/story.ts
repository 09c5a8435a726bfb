import fc from 'fast-check';
import type { Moment, Recovery } from '../../src/generation/draft.ts';
import { applyReport } from '../../src/generation/machine.ts';
import type { PollReport, SubmitReport } from '../../src/generation/provider-report.ts';
import type { Report } from '../../src/generation/report.ts';
import type { Generation, OnUncertain, Task, TaskStatus } from '../../src/generation/types.ts';
import { sampleFacts, sampleGeneration, sampleImages, sampleTrouble } from './samples.ts';

export const START = new Date('2026-01-01T12:00:00Z');
export const HOLD_MS = 600_000;

export function momentAt(at: Date, recovery: Recovery = 'NONE', { resultsLag = false } = {}): Moment {
  return {
    at,
    uncertainHoldMs: HOLD_MS,
    recoveryOf: () => recovery,
    resultTtlOf: () => 3_600,
    resultsLagOf: () => resultsLag,
    fallbackOf: () => null,
  };
}
const DEADLINE_MS = 900_000;

type Kind = Report['kind'] | 'CLAIMED';

/** One thing that happens to one task, before it is known what state it meets. */
interface Happening {
  task: number;
  /** Null for what usually comes next. */
  kind: Kind | null;
  stale: boolean;
  otherSubmission: boolean;
  submit: SubmitReport;
  poll: PollReport;
  asset: number;
  images: number;
  afterMs: number;
}

export interface Told {
  before: Generation;
  after: Generation;
  /** Null where a worker claimed the task: that is no report. */
  report: Report | null;
  at: Date;
}

const failures = fc.constantFrom(
  sampleTrouble(),
  sampleTrouble({ code: 'CANCELED' }),
  sampleTrouble({ code: 'MODERATED_OUTPUT', billed: 'NO' }),
);
const accepted: Extract<SubmitReport, { kind: 'ACCEPTED' }> = {
  kind: 'ACCEPTED',
  providerTaskId: 'theirs',
  credits: '3',
  etaSeconds: 9,
};
const submits = fc.oneof(
  { weight: 5, arbitrary: fc.constant(accepted) },
  fc.nat({ max: 5 }).map(
    (n): SubmitReport => ({
      kind: 'FINISHED',
      images: sampleImages(n),
      undelivered: [sampleTrouble()],
      credits: null,
    }),
  ),
  failures.map((failure): SubmitReport => ({ kind: 'REFUSED', failure })),
  failures.map((failure): SubmitReport => ({ kind: 'NOT_NOW', failure, retryAfterMs: null })),
  failures.map((failure): SubmitReport => ({ kind: 'AMBIGUOUS', failure })),
);
const percents = fc.option(fc.oneof(fc.integer({ min: -50, max: 200 }), fc.double({ min: 0, max: 100, noNaN: true })));
const counts = fc.oneof(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 50 }));
const polls = fc.oneof(
  { weight: 5, arbitrary: percents.map((percent): PollReport => ({ kind: 'RUNNING', percent, etaSeconds: 5 })) },
  {
    weight: 5,
    arbitrary: counts.map((count): PollReport => ({ kind: 'FINISHED', images: sampleImages(count), credits: '4' })),
  },
  failures.map((failure): PollReport => ({ kind: 'FAILED', failure })),
  failures.map((failure): PollReport => ({ kind: 'MISSING', failure })),
  failures.map((failure): PollReport => ({ kind: 'SILENT', failure, retryAfterMs: null })),
  percents.map((percent): PollReport => ({ kind: 'RUNNING', percent, etaSeconds: null, basis: 'ESTIMATED' })),
  percents.map((percent): PollReport => ({ kind: 'PENDING', etaSeconds: null, ...(percent !== null && { percent }) })),
);
const kinds: fc.Arbitrary<Kind> = fc.constantFrom(
  'CLAIMED',
  'SENDING',
  'SUBMITTED',
  'ABANDONED',
  'POLLED',
  'STORED',
  'LOST',
  'REFRESHED',
  'NOT_THERE',
  'DELAYED',
  'TIME_UP',
  'CANCEL',
  'SETTLED',
  'RESOLVED',
  'RECOVERED',
  'ARRIVED',
  'TURNED_AWAY',
  'UNFIT',
  'ESTIMATED',
);
/** So that stories go far, most happenings are what usually comes next. */
const USUAL: Record<TaskStatus, Kind> = {
  QUEUED: 'SENDING',
  SUBMITTING: 'SUBMITTED',
  UNCERTAIN: 'TIME_UP',
  ACCEPTED: 'POLLED',
  RUNNING: 'POLLED',
  COLLECTING: 'STORED',
  SUCCEEDED: 'STORED',
  PARTIALLY_SUCCEEDED: 'POLLED',
  FAILED: 'SETTLED',
  CANCELED: 'SUBMITTED',
};
const rarely = fc.integer({ min: 0, max: 6 }).map((n) => n === 0);
const happenings: fc.Arbitrary<Happening> = fc.record({
  task: fc.nat({ max: 2 }),
  kind: fc.oneof({ weight: 2, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: kinds }),
  stale: rarely,
  otherSubmission: rarely,
  submit: submits,
  poll: polls,
  asset: fc.nat({ max: 5 }),
  images: fc.integer({ min: 0, max: 5 }),
  afterMs: fc.oneof(
    { weight: 20, arbitrary: fc.integer({ min: 0, max: 5_000 }) },
    { weight: 1, arbitrary: fc.constant(HOLD_MS) },
  ),
});

/** Generations of one to three tasks, and what happens to them. */
export const stories = fc
  .tuple(
    fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 3 }),
    fc.constantFrom<OnUncertain>('WAIT', 'FAIL', 'RESUBMIT'),
    fc.constantFrom<Recovery>('ASK', 'CALLBACK', 'NONE'),
    fc.boolean(),
    fc.array(happenings, { maxLength: 80, size: 'max' }),
  )
  .map(([counts, onUncertain, recovery, resultsLag, all]) => {
    const start = sampleGeneration(counts, { at: START, deadlineMs: DEADLINE_MS });
    return tell({ ...start, routing: { onUncertain } }, (at) => momentAt(at, recovery, { resultsLag }), all);
  });

function tell(start: Generation, toMoment: (at: Date) => Moment, all: Happening[]): Told[] {
  const told: Told[] = [];
  let [state, at, sent] = [start, START, 0];
  for (const each of all) {
    const before = state;
    const task = before.tasks[each.task % before.tasks.length];
    if (!task) continue;
    at = new Date(at.getTime() + each.afterMs);
    const kind = each.kind ?? usualOf(before, task);
    const report =
      kind === 'CLAIMED'
        ? null
        : reportOf(kind, each, before, task, { next: `sub_${++sent}`, older: `sub_${sent >> 1}` });
    state = report ? applyReport(before, report, toMoment(at)) : claimed(before, task);
    told.push({ before, after: state, report, at });
  }
  return Object.assign(told, { [fc.toStringMethod]: () => told.map(inBrief).join('\n') });
}

function usualOf({ assets }: Generation, { id, status, settleUntil }: Task): Kind {
  const waits = assets.some(({ taskId, state }) => taskId === id && state === 'PENDING');
  return settleUntil !== null && waits ? 'STORED' : USUAL[status];
}

function inBrief({ report, after, at }: Told): string {
  const task = after.tasks.findIndex(({ id }) => id === report?.taskId);
  const states = after.tasks.map(({ status, percent }) => `${status} ${percent}`);
  const assets = after.assets.map(({ index, state }) => `${index} ${state}`);
  return `${at.toISOString()} ${report?.kind} of task ${task} -> ${after.status} ${after.percent} (${states}; ${assets})`;
}

/** What `claimTasks` does. */
function claimed(generation: Generation, { id }: Task): Generation {
  const tasks = generation.tasks.map((task) => {
    if (task.id !== id || task.workerId !== null || (task.finishedAt !== null && task.settleUntil === null))
      return task;
    return { ...task, workerId: 'wrk', leaseToken: task.leaseToken + 1, tries: task.tries + 1 };
  });
  return { ...generation, tasks };
}

function reportOf(
  kind: Report['kind'],
  { stale, otherSubmission, submit, poll, asset, images }: Happening,
  generation: Generation,
  task: Task,
  { next, older }: { next: string; older: string },
): Report {
  const taskId = task.id;
  const token = stale ? task.leaseToken - 1 : task.leaseToken;
  const mine = generation.assets.filter((each) => each.taskId === taskId);
  const pending = mine.filter(({ state }) => state === 'PENDING');
  const assetId = (pending[asset] ?? pending[0] ?? mine[0] ?? generation.assets[0])?.id ?? 'none';
  switch (kind) {
    case 'SENDING':
      return { kind, taskId, token, submissionId: next };
    case 'SUBMITTED':
      return { kind, taskId, submissionId: otherSubmission ? older : (task.submissionId ?? older), report: submit };
    case 'RECOVERED': {
      const report = submit.kind === 'ACCEPTED' || submit.kind === 'REFUSED' ? submit : accepted;
      return { kind, taskId, submissionId: otherSubmission ? older : (task.submissionId ?? older), report };
    }
    case 'POLLED':
      return { kind, taskId, token, pollCount: task.pollCount + 1, report: poll, resultTtlSeconds: 3600 };
    case 'STORED':
      return { kind, taskId, token, assetId, facts: sampleFacts() };
    case 'LOST':
      return { kind, taskId, token, assetId, failure: sampleTrouble({ code: 'RESULT_INVALID' }) };
    case 'REFRESHED':
      return { kind, taskId, token, images: sampleImages(images), staleIds: [assetId], resultTtlSeconds: 3600 };
    case 'NOT_THERE':
      return { kind, taskId, token, assetId };
    case 'DELAYED':
      return { kind, taskId, token, delayMs: 5_000 };
    case 'SETTLED':
      return { kind, taskId, token, report: poll, resultTtlSeconds: 3600 };
    case 'TURNED_AWAY':
      return { kind, taskId, token, failure: sampleTrouble({ billed: 'NO' }), seenAt: task.createdAt, delayMs: 5_000 };
    case 'ESTIMATED':
      return {
        kind,
        taskId,
        submissionId: otherSubmission ? older : (task.submissionId ?? older),
        percent: images * 30,
      };
    case 'UNFIT':
      return { kind, taskId, token, failure: sampleTrouble({ code: 'REFERENCE_UNREACHABLE', billed: 'NO' }) };
    case 'RESOLVED':
      return { kind, taskId, billed: stale };
    case 'ARRIVED': {
      const submissionId = otherSubmission ? older : (task.submissionId ?? older);
      return { kind, taskId, submissionId, images: sampleImages(images) };
    }
    default:
      return { kind, taskId };
  }
}
