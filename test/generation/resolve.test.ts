import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { resolveTask } from '../../src/generation/resolve.ts';
import type { Generation } from '../../src/generation/types.ts';
import type { Caller } from '../../src/workspace/caller.ts';
import { finish } from './finish.ts';
import { sampleTrouble } from './samples.ts';
import { accept, failed, openStage, type Stage, taskOf, tell } from './stage.ts';

let stage: Stage;
let caller: Caller;
beforeAll(async () => {
  stage = await openStage();
});
beforeEach(async () => {
  caller = await stage.newCaller();
});
afterAll(() => stage.close());

const resolve = ({ id }: { id: string }, billed: boolean, who = caller) => resolveTask(stage.domain, who, id, billed);

test.each([
  [true, 'YES', 'UNKNOWN'],
  [false, 'NO', 'REFUNDED'],
])(
  'an UNCERTAIN task of which an operator says billed: %s fails with that, and ends its generation',
  async (billed, said, basis) => {
    const uncertain = await send();
    const answer = await resolve(taskOf(uncertain), billed);
    const after = await stage.reload(uncertain.id);
    expect(after).toMatchObject({ status: 'FAILED', failure: { code: 'OUTCOME_UNKNOWN', billed: said } });
    expect(taskOf(after)).toMatchObject({ status: 'FAILED', failure: { billed: said }, cost: { basis } });
    expect(answer).toEqual({ ok: true, task: taskOf(after) });
    expect((await stage.eventsOf(after.id)).at(-1)).toMatchObject({
      type: 'GENERATION_FINISHED',
      version: after.version,
    });
  },
);

test('a task that is over and whose bill nobody knew keeps its status and gets the answer', async () => {
  const over = await failOne();
  expect(taskOf(over).failure?.billed).toBe('UNKNOWN');
  const answer = await resolve(taskOf(over), false);
  const after = await stage.reload(over.id);
  expect(answer).toEqual({ ok: true, task: taskOf(after) });
  expect([after.status, after.version > over.version]).toEqual(['FAILED', true]);
  expect(taskOf(after)).toMatchObject({ status: 'FAILED', failure: { billed: 'NO' }, cost: { basis: 'REFUNDED' } });
});

test('the same answer twice is no error and changes nothing; another one is refused and changes nothing', async () => {
  const over = await failOne();
  const first = await resolve(taskOf(over), true);
  const settled = await stage.reload(over.id);
  expect(await resolve(taskOf(over), true)).toEqual(first);
  expect(await resolve(taskOf(over), false)).toEqual(refusal(taskOf(settled), 'it is FAILED, billed YES.'));
  expect(await stage.reload(over.id)).toEqual(settled);
});

test.each<[string, () => Promise<Generation>, string]>([
  ['QUEUED', () => stage.create(caller), 'it is QUEUED.'],
  ['ACCEPTED', async () => accept(stage, await stage.create(caller)), 'it is ACCEPTED.'],
  ['SUCCEEDED', () => finish(stage, caller), 'it is SUCCEEDED.'],
])('a task that is %s has nothing to settle', async (_what, prepare, why) => {
  const generation = await prepare();
  const task = taskOf(generation);
  for (const billed of [true, false]) expect(await resolve(task, billed)).toEqual(refusal(task, why));
  expect(await stage.reload(generation.id)).toEqual(generation);
});

test('a task that waits because it was turned away is not settled by saying so', async () => {
  const sent = await send({ kind: 'NOT_NOW', retryAfterMs: null });
  expect(taskOf(sent)).toMatchObject({ status: 'QUEUED', failure: { billed: 'NO' } });
  expect(await resolve(taskOf(sent), false)).toEqual(refusal(taskOf(sent), 'it is QUEUED.'));
});

test('what is not there, not yours or of the other mode is NOT_FOUND, and stays as it is', async () => {
  const uncertain = await send();
  const task = taskOf(uncertain);
  const answers = [
    await resolve({ id: 'tsk_01hzzzzzzzzzzzzzzzzzzzzzzz' }, true),
    await resolve({ id: uncertain.id }, true),
    await resolve(task, true, await stage.newCaller()),
    await resolve(task, true, { ...caller, mode: 'LIVE' }),
  ];
  const error = { kind: 'NOT_FOUND', path: ['id'], message: 'There is no task with this id.' };
  expect(answers).toEqual(answers.map(() => ({ ok: false, task: null, errors: [error] })));
  expect(await stage.reload(uncertain.id)).toEqual(uncertain);
});

/** Sends its only task, and answers: nothing that can be understood, unless told otherwise. */
async function send(
  answer: { kind: 'AMBIGUOUS' } | { kind: 'NOT_NOW'; retryAfterMs: null } = { kind: 'AMBIGUOUS' },
): Promise<Generation> {
  const generation = await stage.create(caller);
  const { id: taskId, leaseToken: token } = taskOf(generation);
  // No submission row: what is tested here begins after it.
  const submissionId = null as unknown as string;
  const billed = answer.kind === 'NOT_NOW' ? 'NO' : 'UNKNOWN';
  const report = { ...answer, failure: sampleTrouble({ code: 'OUTCOME_UNKNOWN', billed }) };
  return tell(
    stage.domain,
    generation,
    { kind: 'SENDING', taskId, token, submissionId },
    { kind: 'SUBMITTED', taskId, submissionId, report },
  );
}

async function failOne(): Promise<Generation> {
  const accepted = await accept(stage, await stage.create(caller));
  return tell(stage.domain, accepted, failed(accepted));
}

function refusal(task: unknown, why: string) {
  const message = `There is nothing to settle: ${why}`;
  const allowed = ['a task that is UNCERTAIN', 'a task that is over, whose failure says billed UNKNOWN'];
  return { ok: false, task, errors: [{ kind: 'INVALID_INPUT', path: ['id'], message, allowed }] };
}
