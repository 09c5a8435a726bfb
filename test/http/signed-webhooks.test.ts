import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { Hint } from '../../src/events/hint.ts';
import { hearCallback } from '../../src/generation/callback.ts';
import { audienceOf, createCallbackTokens } from '../../src/generation/callback-token.ts';
import type { Mode } from '../../src/generation/provider.ts';
import { newSubmissionId } from '../../src/generation/send.ts';
import { createWebhookHandler } from '../../src/http/webhooks.ts';
import { type Connections, createConnections } from '../../src/provider/connections.ts';
import { createSeedance } from '../../src/provider/seedance/seedance.ts';
import { createCallbackUrl } from '../../src/worker/callback-url.ts';
import { createSender, type Sent } from '../generation/sent.ts';
import { openStage, type Stage, taskOf } from '../generation/stage.ts';
import { SECRET } from './doors.ts';

const SECRETS = { TEST: 'sandbox-webhook-secret', LIVE: 'a-secret-that-nobody-knows' };
const tokens = createCallbackTokens([SECRET]);

let stage: Stage;
let connections: Connections;
let server: Server;
let url: string;
let send: () => Promise<Sent>;
const heard: { submissionId: string; providerTaskId: string | null; ids: (string | undefined)[] }[] = [];
beforeAll(async () => {
  stage = await openStage();
  connections = createConnections();
  send = createSender(stage, stage.domain);
  const handle = createWebhookHandler({
    providers: [seedanceIn('TEST'), seedanceIn('LIVE')],
    tokens,
    async hear(callback) {
      const { submissionId, providerTaskId, idOf } = callback;
      heard.push({ submissionId, providerTaskId, ids: [idOf?.(0), idOf?.(49)] });
      await hearCallback(stage.domain, callback);
    },
    log: stage.domain.log,
  });
  server = createServer((req, res) => void handle(req, res)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server?.close();
  server?.closeAllConnections();
  await Promise.all([connections?.stop(), stage?.close()]);
});

test('a body that its provider signed tells what became of a submission', async () => {
  const { generation, submissionId } = await send();
  const body = bodyOf('img_signed1');
  const answer = await call('TEST', submissionId, body, sign('TEST', body));
  expect([answer.status, await answer.text()]).toEqual([200, 'ok\n']);
  expect(taskOf(await stage.reload(generation.id)).providerTaskId).toBe('img_signed1');
});

test('without the signature of exactly these bytes the best token is 401, changes nothing and hurries nobody', async () => {
  const { generation, submissionId } = await send();
  const hints: Hint[] = [];
  onTestFinished(stage.domain.hints.on((hint) => hints.push(hint)));
  const begun = heard.length;
  const body = bodyOf('img_forged1');
  const good = sign('TEST', body);
  const signatures: [string, string | null][] = [
    [body, null],
    [body, ''],
    [body, good.slice(1)],
    [body, `${good}0`],
    [body, `${good}, ${good}`],
    [body, sign('LIVE', body)],
    [body, sign('TEST', `${body} `)],
    [`${body} `, good],
    [JSON.stringify(JSON.parse(body), null, 1), good],
    [body, createHmac('sha512', SECRETS.TEST).update(body).digest('hex')],
  ];
  const answers = await Promise.all(signatures.map(([sent, by]) => call('TEST', submissionId, sent, by)));
  expect(answers.map(({ status }) => status)).toEqual(signatures.map(() => 401));
  expect([hints, heard.slice(begun), await stage.reload(generation.id)]).toEqual([[], [], generation]);
});

test('the secret of the sandbox, which everybody knows, proves nothing of a submission that costs money', async () => {
  const [live, body] = [newSubmissionId(), bodyOf('img_live1')];
  const begun = heard.length;
  const asTest = `/webhooks/seedance/${tokenOf('LIVE', live)}`;
  expect((await post(asTest, body, sign('TEST', body))).status).toBe(401);
  expect((await post(`/webhooks/seedance/${tokens.sign('seedance', live)}`, body, sign('LIVE', body))).status).toBe(
    401,
  );
  expect(heard.slice(begun)).toEqual([]);
  expect((await call('LIVE', live, body, sign('LIVE', body))).status).toBe(200);
});

test('the same signed body fifty times over changes what one changes, each answered in less than 100 ms', async () => {
  const { generation, submissionId } = await send();
  const body = bodyOf('img_again1');
  const times: number[] = [];
  for (let i = 0; i < 50; i += 1) {
    const began = performance.now();
    expect((await call('TEST', submissionId, body, sign('TEST', body))).status).toBe(200);
    times.push(performance.now() - began);
  }
  const { version, tasks } = await stage.reload(generation.id);
  expect([version, tasks[0]?.providerTaskId]).toEqual([generation.version + 1, 'img_again1']);
  // The usual case: this machine may be at something else for a moment.
  expect(times.sort((a, b) => a - b)[25]).toBeLessThan(100);
});

test('the callback of a batch names each of its tasks by its place', async () => {
  const submissionId = newSubmissionId();
  const body = JSON.stringify({
    event: 'image.completed',
    task_id: 'img_001',
    batch_id: 'batch_7',
    status: 'completed',
  });
  expect((await call('TEST', submissionId, body, sign('TEST', body))).status).toBe(200);
  expect(heard.at(-1)).toEqual({ submissionId, providerTaskId: 'img_001', ids: ['batch_7#0', 'batch_7#49'] });
});

test('the address that a submission is given is the one that is answered', async () => {
  const body = bodyOf('img_address1');
  for (const mode of ['TEST', 'LIVE'] as const) {
    const address = createCallbackUrl([url], tokens)(seedanceIn(mode), newSubmissionId());
    const answer = await post(new URL(address ?? '').pathname, body, sign(mode, body));
    expect([mode, answer.status]).toEqual([mode, 200]);
  }
});

function seedanceIn(mode: Mode) {
  const pollSchedule = { firstMs: 2_000, fastMs: 2_500, fastForMs: 20_000, slowMs: 7_500 };
  const account = { baseUrl: 'http://127.0.0.1:1', apiKey: 'key', webhookSecret: SECRETS[mode] };
  return createSeedance({ ...account, mode, submitTimeoutMs: null, pollSchedule, resultHosts: [], connections });
}

function bodyOf(taskId: string): string {
  return JSON.stringify({ event: 'image.completed', task_id: taskId, status: 'completed' });
}

function sign(mode: Mode, body: string): string {
  return createHmac('sha256', SECRETS[mode]).update(body).digest('hex');
}

function tokenOf(mode: Mode, submissionId: string): string {
  return tokens.sign(audienceOf({ slug: 'seedance', mode, isSigned: true }), submissionId);
}

function call(mode: Mode, submissionId: string, body: string, signature: string | null): Promise<Response> {
  return post(`/webhooks/seedance/${tokenOf(mode, submissionId)}`, body, signature);
}

function post(path: string, body: string, signature: string | null): Promise<Response> {
  const headers = signature === null ? undefined : { 'x-seedance-signature': signature };
  return fetch(`${url}${path}`, { method: 'POST', body, ...(headers && { headers }) });
}
