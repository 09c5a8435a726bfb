import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect as dial } from 'node:net';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { connect } from '../../src/db/connect.ts';
import { newId } from '../../src/db/id.ts';
import type { Hint } from '../../src/events/hint.ts';
import { hearCallback } from '../../src/generation/callback.ts';
import { createCallbackTokens } from '../../src/generation/callback-token.ts';
import { newSubmissionId } from '../../src/generation/send.ts';
import { createWebhookHandler } from '../../src/http/webhooks.ts';
import { createSender, type Sent } from '../generation/sent.ts';
import { taskOf } from '../generation/stage.ts';
import { createProvider } from '../provider/gptimage2.ts';
import { type Doors, openDoors, SECRET } from './doors.ts';

const tokens = createCallbackTokens([SECRET]);
let doors: Doors;
let send: () => Promise<Sent>;
beforeAll(async () => {
  doors = await openDoors({});
  send = createSender(doors.stage, doors.domain);
});
afterAll(() => doors?.stop());

test('the address of a submission is all the permission that a callback needs', async () => {
  const { generation, submissionId } = await send();
  const answer = await call(submissionId, '{"id":"task-unified-1","status":"completed"}');
  expect([answer.status, await answer.text()]).toEqual([200, 'ok\n']);
  expect(taskOf(await doors.stage.reload(generation.id))).toMatchObject({
    status: 'ACCEPTED',
    providerTaskId: 'task-unified-1',
  });
});

test('twenty copies at once are all answered with 200, and change what one changes', async () => {
  const { generation, submissionId } = await send();
  const body = '{"id":"task-unified-2"}';
  const answers = await Promise.all(Array.from({ length: 20 }, () => call(submissionId, body)));
  expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
  const { version, tasks } = await doors.stage.reload(generation.id);
  expect([version, tasks[0]?.providerTaskId]).toEqual([generation.version + 1, 'task-unified-2']);
});

test('a token that is forged, malformed or made for another provider is 401, changes nothing and hurries nobody', async () => {
  const { generation: sent, submissionId, taskId } = await send();
  await call(submissionId, '{"id":"task-unified-3"}');
  const generation = await doors.stage.reload(sent.id);
  const heard: Hint[] = [];
  onTestFinished(doors.domain.hints.on((hint) => heard.push(hint)));
  const good = tokens.sign('gptimage2', submissionId);
  const others = [
    'token',
    submissionId,
    `${submissionId}.`,
    `${submissionId}.${'A'.repeat(43)}`,
    good.slice(0, -1),
    `${good}A`,
    `${good}%00`,
    good.toUpperCase(),
    tokens.sign('seedance', submissionId),
    `${newId('sub')}${good.slice(good.indexOf('.'))}`,
    createCallbackTokens(['another secret']).sign('gptimage2', submissionId),
    'a'.repeat(10_000),
  ];
  const answers = await Promise.all(
    others.map((token) => post(`/webhooks/gptimage2/${token}`, '{"id":"task-unified-3"}')),
  );
  expect(answers.map(({ status }) => status)).toEqual(others.map(() => 401));
  expect([heard, await doors.stage.reload(generation.id)]).toEqual([[], generation]);
  expect((await post(`/webhooks/gptimage2/${good}`, '{"id":"task-unified-3"}')).status).toBe(200);
  expect(heard).toEqual([{ generationIds: [], work: [], feeds: [], nudged: [taskId] }]);
});

test.each([
  '/webhooks/runware/TOKEN',
  '/webhooks/constructor/TOKEN',
  '/webhooks/TOKEN',
  '/webhooks/gptimage2/',
  '/webhooks/gptimage2/TOKEN/',
  '/webhooks/gptimage2/more/TOKEN',
])('%s is 404', async (path) => {
  const { submissionId } = await send();
  const answer = await post(path.replace('TOKEN', tokens.sign('gptimage2', submissionId)), '{}');
  expect(answer.status).toBe(404);
});

test('other methods are 405 and change nothing', async () => {
  const { generation, submissionId } = await send();
  for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'HEAD']) {
    const answer = await fetch(`${doors.url}${pathOf(submissionId)}`, { method });
    expect([method, answer.status, answer.headers.get('allow')]).toEqual([method, 405, 'POST']);
  }
  expect(await doors.stage.reload(generation.id)).toEqual(generation);
});

test('a body that names no task is answered with 200, is logged, and changes nothing', async () => {
  const { generation, submissionId } = await send();
  const bodies = [
    '',
    '{',
    '[]',
    'null',
    '{"id":7}',
    '{"id":".."}',
    '{"task_id":"a"}',
    '['.repeat(200_000),
    '\x1f\x8b\x08',
  ];
  const answers = await Promise.all(bodies.map((body) => call(submissionId, body)));
  expect(answers.map(({ status }) => status)).toEqual(bodies.map(() => 200));
  expect(doors.logged.filter((line) => line.includes('names no task') && line.includes(submissionId))).toHaveLength(
    bodies.length,
  );
  expect(await doors.stage.reload(generation.id)).toEqual(generation);
});

test('a body over a mebibyte is refused with 413 and not believed; one of a mebibyte is read', async () => {
  const { generation, submissionId } = await send();
  const bodyOf = (bytes: number) => `{"id":"task-large"}${' '.repeat(bytes - 19)}`;
  const tooLarge = await Promise.all([1_048_577, 2_097_152].map((bytes) => call(submissionId, bodyOf(bytes))));
  expect(tooLarge.map(({ status }) => status)).toEqual([413, 413]);
  expect(await doors.stage.reload(generation.id)).toEqual(generation);
  expect((await call(submissionId, bodyOf(1_048_576))).status).toBe(200);
  expect(taskOf(await doors.stage.reload(generation.id)).providerTaskId).toBe('task-large');
});

test('a body that does not end in time is 408, one whose sender leaves is dropped', async () => {
  const { generation, submissionId } = await send();
  const head = `POST ${pathOf(submissionId)} HTTP/1.1\r\nhost: a\r\ncontent-length: 30\r\n\r\n{"id":"task-slow"}`;
  const { port } = new URL(doors.url);
  const slow = dial(Number(port), '127.0.0.1', () => slow.write(head));
  const leaving = dial(Number(port), '127.0.0.1', () => leaving.end(head));
  const [first] = await once(slow, 'data');
  expect(String(first)).toMatch(/^HTTP\/1\.1 408 .*connection: close/is);
  await Promise.all([slow, leaving].map((socket) => socket.closed || once(socket.resume(), 'close')));
  // Were they heard all the same, then before this one.
  expect((await call((await send()).submissionId, '{"id":"task-after"}')).status).toBe(200);
  expect(await doors.stage.reload(generation.id)).toEqual(generation);
});

test('while the database is away a good token is asked to come again, and a bad one is refused without it', async () => {
  const log = pino({ level: 'silent' });
  const url = 'postgres://u:p@127.0.0.1:1/d';
  const connection = connect({ url, directUrl: url, log });
  onTestFinished(() => connection.stop());
  const away = { ...doors.domain, db: connection.db, log };
  const providers = [createProvider('http://127.0.0.1:1')];
  const handle = createWebhookHandler({ providers, tokens, hear: (callback) => hearCallback(away, callback), log });
  const server = createServer((req, res) => void handle(req, res)).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const init = { method: 'POST', body: '{"id":"a"}', headers: { connection: 'close' } };
  const good = await fetch(`${base}${pathOf(newSubmissionId())}`, init);
  const bad = await fetch(`${base}/webhooks/gptimage2/${newSubmissionId()}.${'A'.repeat(43)}`, init);
  expect([good.status, good.headers.get('retry-after'), bad.status]).toEqual([503, '1', 401]);
});

test('no token is in the log, not even of a request to a place that does not exist', async () => {
  const { submissionId } = await send();
  const signature = tokens.sign('gptimage2', submissionId).slice(-43);
  await call(submissionId, '{"id":"task-unified-3"}');
  await call(submissionId, '{"id":"task-unified-other"}');
  await fetch(`${doors.url}/proxied${pathOf(submissionId)}`);
  const about = doors.logged.filter((line) => line.includes(submissionId) || line.includes('[redacted]'));
  expect(about.length).toBeGreaterThanOrEqual(3);
  expect(doors.logged.filter((line) => line.includes(signature))).toEqual([]);
});

function pathOf(submissionId: string): string {
  return `/webhooks/gptimage2/${tokens.sign('gptimage2', submissionId)}`;
}

function call(submissionId: string, body: string): Promise<Response> {
  return post(pathOf(submissionId), body);
}

function post(path: string, body: string): Promise<Response> {
  return fetch(`${doors.url}${path}`, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
}
