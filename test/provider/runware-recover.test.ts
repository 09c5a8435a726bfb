import { expect, test } from 'vitest';
import type { RecoverReport } from '../../src/generation/provider-report.ts';
import type { MayGoOn } from '../../src/provider/provider.ts';
import { createRequest } from './gptimage2.ts';
import { createAt, failed, item, made, SENDING_TASK, TASK } from './runware.ts';
import { findClosedUrl, json, startServer } from './server.ts';

const { signal } = new AbortController();
const ACCEPTED: RecoverReport = { kind: 'ACCEPTED', providerTaskId: TASK, credits: null, etaSeconds: null };
const body = createAt('https://api.example').compose(createRequest(), SENDING_TASK);
const submission = { id: 'sub_1', reference: TASK, body };
const NOTHING = { status: 200, body: { data: [] } };

interface Said {
  status: number;
  body: unknown;
}

interface Script {
  getResponse?: Said;
  getTaskDetails?: Said;
  imageInference?: Said;
}

test.each<[string, Script, string[]]>([
  ['a task under way', { getResponse: said([item({ status: 'processing' })]) }, ['getResponse']],
  ['one that is over', { getResponse: said([made('1')]) }, ['getResponse']],
  ['one that failed', { getResponse: errors(200, 'timeoutProvider') }, ['getResponse']],
  ['a record in the archive', { getTaskDetails: said([details()]) }, ['getResponse', 'getTaskDetails']],
  [
    'a record of its result alone',
    { getTaskDetails: said([item({ response: { data: [made('1')] } })]) },
    ['getResponse', 'getTaskDetails'],
  ],
  [
    'the acknowledgment of a second sending',
    { imageInference: said([item()]) },
    ['getResponse', 'getTaskDetails', 'imageInference'],
  ],
  [
    'the refusal of a second sending, because there is one of that name',
    { imageInference: errors(400, 'conflictTaskUUID') },
    ['getResponse', 'getTaskDetails', 'imageInference'],
  ],
])('a submission is found by %s', async (_, script, asked) => {
  const { report, types } = await recoverBy(script, true);
  expect([report, types]).toEqual([ACCEPTED, asked]);
});

test('what is sent again is the very same body', async () => {
  const { bodies } = await recoverBy({ imageInference: said([item()]) }, true);
  expect(bodies.at(-1)).toEqual(body.tasks);
});

test.each<[string, Said]>([
  ['in words', errors(200, 'taskNotFound')],
  ['with 404', errors(404, 'taskFailedOrNotFound')],
  ['by saying nothing', NOTHING],
  ['by a record without a request', said([item({ taskType: 'getTaskDetails', request: [] })])],
])('an archive that knows nothing %s leads to a second sending, if that may be', async (_, getTaskDetails) => {
  const asked = ['getResponse', 'getTaskDetails'];
  const [may, mayNot] = [await recoverBy({ getTaskDetails }, true), await recoverBy({ getTaskDetails }, false)];
  expect([may.types, mayNot.types]).toEqual([[...asked, 'imageInference'], asked]);
  expect(mayNot.report).toMatchObject({ kind: 'UNKNOWN', failure: { code: 'OUTCOME_UNKNOWN', billed: 'UNKNOWN' } });
});

test.each<[number, unknown]>([
  [200, ''],
  [200, '{}'],
  [200, { errors: [{ code: 'somethingNew' }] }],
  [200, { errors: [failed('invalidTaskType', { taskType: 'getResponse' })] }],
  [400, { data: [] }],
  [401, { errors: [{ code: 'invalidApiKey' }] }],
  [404, '<html>'],
  [429, ''],
  [500, { data: [] }],
])('where a question is answered with HTTP %i and %j, nothing is sent again', async (status, answered) => {
  const unreadable = { status, body: answered };
  for (const script of [{ getResponse: unreadable }, { getTaskDetails: unreadable }]) {
    const { report, types } = await recoverBy(script, true);
    expect(report).toMatchObject({ kind: 'UNKNOWN', failure: { billed: 'UNKNOWN' } });
    expect(types).not.toContain('imageInference');
  }
});

test('a second sending that is refused tells that the first was not accepted', async () => {
  const { report } = await recoverBy({ imageInference: errors(400, 'invalidPositivePrompt') }, true);
  expect(report).toMatchObject({ kind: 'REFUSED', failure: { code: 'PROVIDER_REJECTED', billed: 'NO' } });
});

test.each<[string, Said]>([
  ['turned away', errors(429, 'rateLimitExceeded')],
  ['lost', { status: 500, body: '' }],
])('a second sending that is %s says nothing about the first', async (_, imageInference) => {
  const { report } = await recoverBy({ imageInference }, true);
  expect(report).toMatchObject({ kind: 'UNKNOWN', failure: { billed: 'UNKNOWN' } });
});

test('without a connection it is not found out', async () => {
  const provider = createAt(await findClosedUrl());
  const answer = await provider.recover?.(submission, async () => true, signal);
  expect(answer?.report).toMatchObject({ kind: 'UNKNOWN', failure: { code: 'PROVIDER_UNREACHABLE' } });
});

test('each request after the first asks for leave just before, and does not leave without', async () => {
  const server = await startServer(json(200, NOTHING.body));
  const { recover } = createAt(server.url);
  for (const granted of [0, 1, 2]) {
    const asked: [string, number][] = [];
    const before = server.received.length;
    const may: MayGoOn = async (next) => asked.push([next, server.received.length - before]) <= granted;
    const answer = await recover?.(submission, may, signal);
    expect(answer?.report).toMatchObject({ kind: 'UNKNOWN', failure: { billed: 'UNKNOWN' } });
    expect(server.received.length - before).toBe(1 + granted);
    expect(asked).toEqual([['ASK', 1], ...(granted > 0 ? [['SEND_AGAIN', 2]] : [])]);
  }
});

/** What comes of it where Runware says nothing but what the script says. */
async function recoverBy(script: Script, maySendAgain: boolean) {
  const server = await startServer((response, request) => {
    const [task] = JSON.parse(server.received.at(-1)?.body ?? '[]');
    const answer = script[task.taskType as keyof Script] ?? NOTHING;
    json(answer.status, answer.body)(response, request);
  });
  const may: MayGoOn = async (next) => next === 'ASK' || maySendAgain;
  const answer = await createAt(server.url).recover?.(submission, may, signal);
  const bodies = server.received.map((received) => JSON.parse(received.body));
  return { report: answer?.report, bodies, types: bodies.map(([task]) => task.taskType) };
}

function said(data: unknown[]): Said {
  return { status: 200, body: { data } };
}

function errors(status: number, code: string): Said {
  return { status, body: { errors: [failed(code)] } };
}

function details(): unknown {
  return item({ taskType: 'getTaskDetails', request: [item()], response: { data: [item()] } });
}
