import { once } from 'node:events';
import { request } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { generations } from '../../src/db/schema.ts';
import { bearer, TEST_KEY } from '../service/client.ts';
import { until } from '../service/until.ts';
import { type Doors, openDoors } from './doors.ts';
import { RawSocket } from './raw-socket.ts';

const INIT_MS = 300;
const PING_MS = 400;

let doors: Doors;
beforeAll(async () => {
  doors = await openDoors({ initMs: INIT_MS, pingMs: PING_MS, operationsPerSocket: 10 });
});
afterAll(() => doors?.stop());

const INIT = { type: 'connection_init', payload: bearer(TEST_KEY) };
const ASK = { type: 'subscribe', id: '1', payload: { query: '{ viewer { mode } }' } };
const ANSWER = { id: '1', type: 'next', payload: { data: { viewer: { mode: 'TEST' } } } };
const ACK = { type: 'connection_ack' };

test('a query is acknowledged, answered and completed, in this order', async () => {
  const raw = await acknowledged();
  expect(raw.head).toMatch(/^HTTP\/1\.1 101 [\s\S]*Sec-WebSocket-Protocol: graphql-transport-ws/i);
  raw.send(ASK);
  expect(await raw.received(3)).toEqual([ACK, ANSWER, { id: '1', type: 'complete' }]);
});

test.each<[name: string, code: number, misbehave: (raw: RawSocket) => void]>([
  ['no JSON as the first message', 4400, (raw) => raw.send('hello')],
  ['an empty message', 4400, (raw) => raw.send('')],
  ['a message without a type', 4400, (raw) => raw.send({ id: '1' })],
  ['a message of an unknown type', 4400, (raw) => raw.send({ type: 'start', id: '1', payload: {} })],
  ['a message that only a server sends', 4400, (raw) => raw.send({ type: 'connection_ack' })],
  ['a payload that is no object', 4400, (raw) => raw.send({ type: 'connection_init', payload: 'x' })],
  ['a binary frame', 4400, (raw) => raw.sendBinary(INIT)],
  ['a subscription before anything', 4401, (raw) => raw.send(ASK)],
  [
    'a subscription before the acknowledgement',
    4401,
    (raw) => {
      // In one packet: the key is still being looked up when the second is read.
      raw.socket.cork();
      raw.send(INIT);
      raw.send(ASK);
      raw.socket.uncork();
    },
  ],
  [
    'a second init',
    4429,
    (raw) => {
      raw.send(INIT);
      raw.send(INIT);
    },
  ],
  ['a wrong key', 4401, (raw) => raw.send({ type: 'connection_init', payload: bearer('sk_test_nobody-has-this') })],
  ['a key that is no text', 4401, (raw) => raw.send({ type: 'connection_init', payload: { authorization: {} } })],
  ['a key of 100,000 letters', 4401, (raw) => raw.send({ type: 'connection_init', payload: bearer('x'.repeat(1e5)) })],
  ['no init at all', 4408, () => {}],
  ['a ping instead of an init', 4408, (raw) => raw.send({ type: 'ping' })],
  ['an early complete instead of an init', 4408, (raw) => raw.send({ type: 'complete', id: '1' })],
])('%s closes with %i', async (_name, code, misbehave) => {
  const raw = await RawSocket.open(doors.url);
  misbehave(raw);
  expect(await raw.closed()).toBe(code);
});

test('another subprotocol closes with 4406', async () => {
  const raw = await RawSocket.open(doors.url, 'graphql-ws');
  expect(await raw.closed()).toBe(4406);
});

test.each<[name: string, code: number, message: object]>([
  ['a query that is no text', 4400, { ...ASK, payload: { query: 1 } }],
  ['variables that are a list', 4400, { ...ASK, payload: { query: '{ __typename }', variables: [] } }],
  ['an id that is no text', 4400, { ...ASK, id: 1 }],
  ['an empty id', 4400, { ...ASK, id: '' }],
  ['an id of 1 MB', 4400, { ...ASK, id: 'x'.repeat(1_000_000) }],
  ['a message of more than 1 MiB', 1009, { ...ASK, padding: 'x'.repeat(1024 * 1024) }],
])('after the acknowledgement, %s closes with %i', async (_name, code, message) => {
  const raw = await acknowledged();
  raw.send(message);
  expect(await raw.closed()).toBe(code);
  expect(raw.messages).toEqual([ACK]);
});

test.each<[name: string, misbehave: (raw: RawSocket) => void]>([
  ['under an id of 300 letters', (raw) => raw.send(orderMessage('x'.repeat(300)))],
  [
    'after a binary frame, in the same packet',
    (raw) => {
      raw.socket.cork();
      raw.sendBinary(INIT);
      raw.send(orderMessage('1'));
      raw.socket.uncork();
    },
  ],
])('an order %s closes with 4400 and is not taken', async (_name, misbehave) => {
  const { db } = doors.domain;
  const before = await db.$count(generations);
  const raw = await acknowledged();
  misbehave(raw);
  expect(await raw.closed()).toBe(4400);
  // Had the first been run, it would have been there before this one.
  const taken = await acknowledged();
  taken.send(orderMessage('1'));
  const [, answer] = await taken.received(3);
  expect(answer).toMatchObject({ payload: { data: { createGeneration: { generation: { id: expect.any(String) } } } } });
  expect(await db.$count(generations)).toBe(before + 1);
});

test('an id that is in use closes with 4409, however long it is, and the source of the first stops', async () => {
  const raw = await acknowledged();
  const id = 'long'.repeat(60);
  raw.send(await watchMessage(id));
  expect(await raw.received(2)).toMatchObject([ACK, { id, type: 'next' }]);
  raw.send({ ...ASK, id });
  expect(await raw.closed()).toBe(4409);
  await until(
    () => doors.watcher.size,
    (size) => size === 0,
  );
});

test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', '🌅', '\0'])(
  'an id of %j is an id like any other',
  async (id) => {
    const raw = await acknowledged();
    raw.send({ type: 'complete', id });
    raw.send({ ...ASK, id });
    expect(await raw.received(3)).toEqual([ACK, { ...ANSWER, id }, { id, type: 'complete' }]);
    raw.send(await watchMessage(id));
    expect(await raw.received(4)).toMatchObject([{}, {}, {}, { id, type: 'next' }]);
    raw.send({ type: 'complete', id });
    await until(
      () => doors.watcher.size,
      (size) => size === 0,
    );
  },
);

test('a complete before anything, of an id that never was, and twice, disturbs nothing', async () => {
  const raw = await RawSocket.open(doors.url);
  raw.send({ type: 'complete', id: '1' });
  raw.send(INIT);
  raw.send({ type: 'complete', id: '1' });
  await raw.received(1);
  raw.send(ASK);
  raw.send({ type: 'complete', id: '2' });
  expect(await raw.received(3)).toEqual([ACK, ANSWER, { id: '1', type: 'complete' }]);
});

test('a ping of the protocol is answered with its payload', async () => {
  const raw = await acknowledged();
  raw.send({ type: 'ping', payload: { at: 1 } });
  expect(await raw.received(2)).toEqual([ACK, { type: 'pong', payload: { at: 1 } }]);
});

test('operations beyond the limit are refused one by one, and the socket and its other operations stay', async () => {
  const raw = await acknowledged();
  for (let i = 1; i <= 10; i += 1) raw.send(await watchMessage(`watch ${i}`));
  await raw.received(11);
  raw.send(await watchMessage('one more'));
  expect((await raw.received(12)).at(-1)).toEqual({
    id: 'one more',
    type: 'error',
    payload: [
      {
        message: 'This WebSocket runs 10 operations at once already; complete one first.',
        extensions: { code: 'RATE_LIMITED' },
      },
    ],
  });
  expect(doors.watcher.size).toBe(10);
  raw.send({ type: 'complete', id: 'watch 1' });
  await until(
    () => doors.watcher.size,
    (size) => size === 9,
  );
  raw.send(ASK);
  expect((await raw.received(14)).slice(12)).toEqual([ANSWER, { id: '1', type: 'complete' }]);
});

test('a storm of 1,000 subscriptions keeps nobody waiting, on this socket or another', async () => {
  const storm = await acknowledged();
  const other = await acknowledged();
  const message = await watchMessage('');
  for (let i = 0; i < 1_000; i += 1) storm.send({ ...message, id: `storm ${i}` });
  const sent = performance.now();
  other.send(ASK);
  expect(await other.received(3)).toEqual([ACK, ANSWER, { id: '1', type: 'complete' }]);
  expect(performance.now() - sent).toBeLessThan(2_000);
  const answers = (await storm.received(1_001)).slice(1);
  expect(answers.filter(({ type }) => type === 'next')).toHaveLength(10);
  expect(answers.filter(({ type }) => type === 'error')).toHaveLength(990);
  expect(doors.watcher.size).toBe(10);
  storm.socket.destroy();
  await until(
    () => doors.watcher.size,
    (size) => size === 0,
  );
});

test('a peer that answers no ping is freed after two periods, and one that does stays', async () => {
  const dead = await acknowledged();
  dead.send(await watchMessage('1'));
  await dead.received(2);
  // It is there for the network, and nobody is behind it.
  dead.socket.pause();
  const began = performance.now();
  await until(
    () => doors.watcher.size,
    (size) => size === 0,
    20 * PING_MS,
  );
  expect(performance.now() - began).toBeGreaterThan(PING_MS / 2);
  dead.socket.resume();
  expect([await dead.closed(), dead.pings]).toEqual([0, 1]);
});

test('a client that leaves without a word is forgotten', async () => {
  const raw = await acknowledged();
  raw.send(await watchMessage('1'));
  await raw.received(2);
  expect(doors.watcher.size).toBe(1);
  raw.socket.resetAndDestroy();
  await until(
    () => doors.watcher.size,
    (size) => size === 0,
  );
});

test('a request that offers HTTP/2, as Java sends it, is answered over HTTP/1.1, body and all', async () => {
  const query = `# ${'x'.repeat(300_000)}\n{ viewer { mode } }`;
  for (const offer of [{ connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABk' }, {}]) {
    expect(await post('/graphql', offer, JSON.stringify({ query }))).toEqual([
      200,
      '{"data":{"viewer":{"mode":"TEST"}}}',
    ]);
  }
});

test('a WebSocket that is offered anywhere else is 404', async () => {
  expect(await post('/elsewhere', { connection: 'Upgrade', upgrade: 'websocket' }, '')).toEqual([404, '']);
});

async function acknowledged(): Promise<RawSocket> {
  const raw = await RawSocket.open(doors.url);
  raw.send(INIT);
  await raw.received(1);
  return raw;
}

function orderMessage(id: string): object {
  const query =
    'mutation($input: CreateGenerationInput!) { createGeneration(input: $input) { generation { id } errors { message } } }';
  return { type: 'subscribe', id, payload: { query, variables: { input: { prompt: 'a red kite', model: 'kite-1' } } } };
}

/** Subscribes to a generation that nothing happens to. */
async function watchMessage(id: string): Promise<object> {
  const generation = await doors.stage.create(doors.caller);
  const query = 'subscription($id: ID) { generationUpdated(id: $id) { final } }';
  return { type: 'subscribe', id, payload: { query, variables: { id: generation.id } } };
}

async function post(
  path: string,
  headers: Record<string, string>,
  body: string,
): Promise<[number | undefined, string]> {
  const sent = request(`${doors.url}${path}`, {
    method: 'POST',
    agent: false,
    headers: { ...bearer(TEST_KEY), 'content-type': 'application/json', 'content-length': body.length, ...headers },
  });
  sent.end(body);
  const [response] = await once(sent, 'response');
  let text = '';
  for await (const chunk of response) text += chunk;
  return [response.statusCode, text];
}
