import { pino } from 'pino';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { Hint } from '../../src/events/hint.ts';
import { hearCallback } from '../../src/generation/callback.ts';
import { claimTasks } from '../../src/generation/claim.ts';
import type { Domain } from '../../src/generation/domain.ts';
import { registerWorker } from '../../src/generation/lease.ts';
import type { Report } from '../../src/generation/report.ts';
import type { Generation } from '../../src/generation/types.ts';
import { createSender, type Sent } from './sent.ts';
import { finished, openStage, running, type Stage, taskOf, tell } from './stage.ts';

const THEIRS = 'theirs-1';

let stage: Stage;
let domain: Domain;
let send: () => Promise<Sent>;
const logged: { msg: string; task?: string }[] = [];
beforeAll(async () => {
  stage = await openStage();
  const log = pino({}, { write: (line: string) => void logged.push(JSON.parse(line)) });
  domain = { ...stage.domain, log };
  send = createSender(stage, domain);
});
afterAll(() => stage?.close());

test.each<[string, (sent: Sent) => Report | null, string]>([
  ['is being sent', () => null, 'ACCEPTED'],
  ['is UNCERTAIN', ({ taskId }) => ({ kind: 'ABANDONED', taskId }), 'ACCEPTED'],
  ['was canceled while it was sent', ({ taskId }) => ({ kind: 'CANCEL', taskId }), 'CANCELED'],
])('a task that %s learns its id by the callback', async (_what, reportOf, status) => {
  const sent = await send();
  const report = reportOf(sent);
  if (report) await tell(domain, sent.generation, report);
  await hearCallback(domain, { submissionId: sent.submissionId, providerTaskId: THEIRS });
  expect(taskOf(await stage.reload(sent.generation.id))).toMatchObject({ status, providerTaskId: THEIRS });
  expect(sayingsOf(sent)).toEqual(['a callback told what became of a submission']);
});

test('a task that a callback took out of the hand of its worker is asked about now, whatever that worker then says', async () => {
  const sent = await send();
  await tell(domain, sent.generation, { kind: 'ABANDONED', taskId: sent.taskId });
  const workerId = await registerWorker(domain);
  const claimed = await claimTasks(domain, { workerId, statuses: ['UNCERTAIN'], limit: 100 });
  const token = claimed.find(({ id }) => id === sent.taskId)?.leaseToken ?? 0;
  await hearCallback(domain, { submissionId: sent.submissionId, providerTaskId: THEIRS });
  const adopted = await stage.reload(sent.generation.id);
  await tell(domain, adopted, { kind: 'DELAYED', taskId: sent.taskId, token, delayMs: 600_000 });
  expect(await stage.reload(adopted.id)).toEqual(adopted);
});

test('the answer that comes after its callback brings the credits, and nothing else', async () => {
  const sent = await send();
  await hearCallback(domain, { submissionId: sent.submissionId, providerTaskId: THEIRS });
  const adopted = taskOf(await stage.reload(sent.generation.id));
  const report = { kind: 'ACCEPTED', providerTaskId: THEIRS, credits: '3', etaSeconds: 9 } as const;
  await tell(domain, sent.generation, { kind: 'SUBMITTED', ...namesOf(sent), report });
  const answered = taskOf(await stage.reload(sent.generation.id));
  expect(answered).toEqual({ ...adopted, cost: { ...adopted.cost, providerCredits: '3' } });
});

test.each<[string, (accepted: Generation) => Report | null]>([
  ['ACCEPTED', () => null],
  ['RUNNING', (accepted) => running(accepted, 10)],
])('a task that is %s is nudged and not written, by its id or without one', async (status, reportOf) => {
  const sent = await send();
  const accepted = await answer(sent);
  const report = reportOf(accepted);
  const after = report ? await tell(domain, accepted, report) : accepted;
  expect(taskOf(after).status).toBe(status);
  const heard = listen();
  const nudge = { generationIds: [], work: [], feeds: [], nudged: [sent.taskId] };
  await hearCallback(domain, { submissionId: sent.submissionId, providerTaskId: THEIRS });
  expect(heard).toEqual([nudge]);
  await hearCallback(domain, { submissionId: sent.submissionId, providerTaskId: null });
  expect(heard).toEqual([nudge, nudge]);
  expect(await stage.reload(after.id)).toEqual(after);
});

test.each<[string, (accepted: Generation) => Report]>([
  ['COLLECTING', (accepted) => finished(accepted, 1)],
  ['CANCELED', (accepted) => ({ kind: 'CANCEL', taskId: taskOf(accepted).id })],
])('a task that is %s under that id is left alone', async (status, reportOf) => {
  const sent = await send();
  const accepted = await answer(sent);
  const after = await tell(domain, accepted, reportOf(accepted));
  expect(taskOf(after).status).toBe(status);
  const heard = listen();
  for (const providerTaskId of [THEIRS, null]) {
    await hearCallback(domain, { submissionId: sent.submissionId, providerTaskId });
  }
  expect([heard, await stage.reload(after.id), sayingsOf(sent)]).toEqual([[], after, []]);
});

test('a callback that names another task than the answer did changes nothing and is logged', async () => {
  const sent = await send();
  const after = await answer(sent);
  const heard = listen();
  await hearCallback(domain, { submissionId: sent.submissionId, providerTaskId: 'theirs-2' });
  expect([heard, await stage.reload(after.id)]).toEqual([[], after]);
  expect(sayingsOf(sent)).toEqual(['a callback names another task than the answer did']);
});

test('without an id a callback is no reason to believe that a submission was accepted', async () => {
  const sent = await send();
  await hearCallback(domain, { submissionId: sent.submissionId, providerTaskId: null });
  expect(await stage.reload(sent.generation.id)).toEqual(sent.generation);
});

test('a callback for a submission that was refused, and sent anew as another one, is logged and changes nothing', async () => {
  const sent = await send();
  const failure = { code: 'RATE_LIMITED', message: 'Later.', billed: 'NO', retryable: true } as const;
  const refused = { ...failure, providerCode: null, providerMessage: null };
  const report = { kind: 'NOT_NOW', failure: refused, retryAfterMs: 60_000 } as const;
  const after = await tell(domain, sent.generation, { kind: 'SUBMITTED', ...namesOf(sent), report });
  await hearCallback(domain, { submissionId: sent.submissionId, providerTaskId: THEIRS });
  expect(await stage.reload(after.id)).toEqual(after);
  expect(logged.at(-1)).toMatchObject({ submission: sent.submissionId, msg: 'a callback for what no task has sent' });
});

test('of two ids that come at once for one submission the first is kept, and the other is logged', async () => {
  const sent = await send();
  const { submissionId } = sent;
  await Promise.all(
    ['theirs-a', 'theirs-b'].map((providerTaskId) => hearCallback(domain, { submissionId, providerTaskId })),
  );
  const { providerTaskId } = taskOf(await stage.reload(sent.generation.id));
  expect(['theirs-a', 'theirs-b']).toContain(providerTaskId);
  expect(sayingsOf(sent).toSorted()).toEqual([
    'a callback names another task than the answer did',
    'a callback told what became of a submission',
  ]);
});

function namesOf({ taskId, submissionId }: Sent) {
  return { taskId, submissionId };
}

function answer(sent: Sent): Promise<Generation> {
  const report = { kind: 'ACCEPTED', providerTaskId: THEIRS, credits: '3', etaSeconds: null } as const;
  return tell(domain, sent.generation, { kind: 'SUBMITTED', ...namesOf(sent), report });
}

/** Every hint from now on, until the test is over. */
function listen(): Hint[] {
  const heard: Hint[] = [];
  onTestFinished(domain.hints.on((hint) => heard.push(hint)));
  return heard;
}

function sayingsOf({ taskId }: Sent): string[] {
  return logged.filter(({ task }) => task === taskId).map(({ msg }) => msg);
}
