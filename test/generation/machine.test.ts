import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { changesBetween } from '../../src/generation/changes.ts';
import { isFinished, isSupersededIn, slotsOf } from '../../src/generation/derive.ts';
import { applyReport } from '../../src/generation/machine.ts';
import { isFinal, TASK_MOVES } from '../../src/generation/moves.ts';
import type { Report } from '../../src/generation/report.ts';
import type { Asset, Generation, Slot, Task } from '../../src/generation/types.ts';
import { the } from './reports.ts';
import { sampleGeneration, sampleTrouble } from './samples.ts';
import { momentAt, START, stories, type Told } from './story.ts';

const NUM_RUNS = 200;

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
      const ids = new Set(before.tasks.map(({ id }) => id));
      const others = ({ tasks, assets }: Generation) => [
        tasks.filter(({ id }) => id !== report?.taskId && ids.has(id)),
        assets.filter(({ taskId }) => taskId !== report?.taskId),
      ];
      if (report) expect(others(after)).toEqual(others(before));
    });
  });

  test('a new attempt is made only where the caller accepts to pay twice, when the hold is over, and at most twice', () => {
    always(({ before, after, report }) => {
      const made = after.tasks.filter(({ id }) => !before.tasks.some((task) => task.id === id));
      if (made.length === 0) return;
      expect([before.routing.onUncertain, report?.kind]).toEqual(['RESUBMIT', 'TIME_UP']);
      const old = the(before.tasks.find(({ id }) => id === report?.taskId));
      const { attempt, firstSlot, imageCount, status } = the(made[0]);
      expect(old.status).toBe('UNCERTAIN');
      expect({ attempt, firstSlot, imageCount, status }).toEqual({
        attempt: old.attempt + 1,
        firstSlot: old.firstSlot,
        imageCount: old.imageCount,
        status: 'QUEUED',
      });
      expect(attempt).toBeLessThanOrEqual(3);
    });
  });

  test('of a final task only pictures, its id and its bill may still become known', () => {
    always(({ before, after, report }) => {
      for (const [old, task] of pairs(before, after)) {
        if (!isFinal(old.status) || report === null) continue;
        const fixed = ({ status, finishedAt, attempt, percent, request, submissionId, failure }: Task) => {
          const { billed: _, ...why } = failure ?? { billed: null };
          return { status, finishedAt, attempt, percent, request, submissionId, why };
        };
        expect(fixed(task)).toEqual(fixed(old));
        const found = old.providerTaskId === null && task.providerTaskId !== null;
        if (old.failure && old.failure.billed !== 'UNKNOWN' && !found) {
          expect(task.failure?.billed).toBe(old.failure.billed);
        }
        if (old.providerTaskId !== null) expect(task.providerTaskId).toBe(old.providerTaskId);
      }
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

  test('SUCCEEDED means that every slot has a stored picture, FAILED and CANCELED that none had when it ended', () => {
    always(({ before, after }) => {
      if (isFinished(before.status)) return;
      const isStored = ({ asset }: Slot) => asset?.state === 'STORED' || asset?.state === 'DELETED';
      const slots = slotsOf(after);
      const stored = slots.map(isStored);
      // What an attempt brings after another took its place is beside what was asked for.
      const superseded = new Set(after.tasks.filter((task) => isSupersededIn(after, task)).map(({ id }) => id));
      const owed = slots.filter(({ asset }) => !superseded.has(asset?.taskId ?? ''));
      if (after.status === 'SUCCEEDED') expect(owed.every(isStored)).toBe(true);
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
    const late = momentAt(new Date(START.getTime() + 10 * 86_400_000));
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

function pairs(before: Generation, after: Generation): (readonly [Task, Task])[] {
  return before.tasks.map((task, i) => [task, the(after.tasks[i])] as const);
}

function stateOf({ state }: Asset): string {
  return state;
}
