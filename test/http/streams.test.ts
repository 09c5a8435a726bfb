import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { versionCursor } from '../../src/generation/cursor.ts';
import type { Generation } from '../../src/generation/types.ts';
import { accept } from '../generation/stage.ts';
import { bearer, query, TEST_KEY } from '../service/client.ts';
import { until } from '../service/until.ts';
import { type Doors, openDoors } from './doors.ts';
import { type OpenStream, openStream } from './open-stream.ts';

const HEARTBEAT_MS = 100;
/** What a client selects has nothing to do with where it may resume. */
const WATCH = 'subscription($id: ID, $after: Cursor) { generationUpdated(id: $id, after: $after) { final } }';
const MULTIPART = 'multipart/mixed;boundary=graphql;subscriptionSpec=1.0';

let doors: Doors;
beforeAll(async () => {
  doors = await openDoors({ heartbeatMs: HEARTBEAT_MS });
});
afterAll(() => doors?.stop());

/** As an EventSource asks: everything is in the URL, and what it has received last in a header. */
function watchByEventSource(id: string, { after = '', lastEventId = '' } = {}): Promise<OpenStream> {
  const search = new URLSearchParams({ query: WATCH, variables: JSON.stringify({ id, ...(after && { after }) }) });
  const headers = { ...bearer(TEST_KEY), ...(lastEventId && { 'last-event-id': lastEventId }) };
  return openStream(`${doors.url}/graphql?${search}`, { headers: { ...headers, accept: 'text/event-stream' } });
}

function watchByMultipart(id: string): Promise<OpenStream> {
  return openStream(`${doors.url}/graphql`, {
    method: 'POST',
    headers: { ...bearer(TEST_KEY), 'content-type': 'application/json', accept: MULTIPART },
    body: JSON.stringify({ query: WATCH, variables: { id } }),
  });
}

async function finish({ id }: Generation): Promise<Generation> {
  const document = 'mutation($id: ID!) { cancelGeneration(id: $id) { generation { status } } }';
  const { data } = await query(doors.url, document, { id });
  expect(data).toEqual({ cancelGeneration: { generation: { status: 'CANCELED' } } });
  return doors.stage.reload(id);
}

const event = (generation: Generation, final: boolean) =>
  `id: ${versionCursor(generation)}\nevent: next\ndata: {"data":{"generationUpdated":{"final":${final}}}}\n\n`;
const withoutHeartbeats = (text: string) => text.replaceAll(/^:\n\n/gm, '');

describe('over Server-Sent Events', () => {
  test('each message is an event whose id is its cursor, and the last is complete', async () => {
    const first = await doors.stage.create(doors.caller);
    const stream = await watchByEventSource(first.id);
    expect([stream.status, stream.headers.get('x-accel-buffering')]).toEqual([200, 'no']);
    await stream.until(event(first, false));
    const last = await finish(first);
    expect(await stream.ended).toBe('whole');
    expect(withoutHeartbeats(stream.text())).toBe(
      `${event(first, false)}${event(last, true)}event: complete\ndata:\n\n`,
    );
  });

  test('who comes back with Last-Event-ID hears only what is newer, whatever `after` says', async () => {
    const first = await doors.stage.create(doors.caller);
    const held = await accept(doors.stage, first);
    const options = { after: versionCursor(first), lastEventId: versionCursor(held) };
    const stream = await watchByEventSource(first.id, options);
    const last = await finish(held);
    expect(await stream.ended).toBe('whole');
    expect(withoutHeartbeats(stream.text())).toBe(`${event(last, true)}event: complete\ndata:\n\n`);
  });

  test('who comes back after the end is told by 204 to stay away, and one who only says `after` gets a complete', async () => {
    const last = await finish(await doors.stage.create(doors.caller));
    const again = await watchByEventSource(last.id, { lastEventId: versionCursor(last) });
    expect([again.status, await again.ended, again.text()]).toEqual([204, 'whole', '']);
    const other = await watchByEventSource(last.id, { after: versionCursor(last) });
    expect([other.status, await other.ended, other.text()]).toEqual([200, 'whole', ':\n\nevent: complete\ndata:\n\n']);
  });

  test.each([
    ['garbage', () => 'garbage'],
    ['a cursor of another generation', async () => versionCursor(await doors.stage.create(doors.caller))],
    [
      'a cursor of another workspace',
      async () => versionCursor(await doors.stage.create(await doors.stage.newCaller())),
    ],
  ])('%s as Last-Event-ID is BAD_USER_INPUT, and the end', async (_name, cursor) => {
    const { id } = await doors.stage.create(doors.caller);
    const stream = await watchByEventSource(id, { lastEventId: await cursor() });
    expect(await stream.ended).toBe('whole');
    expect(stream.text()).toContain('"code":"BAD_USER_INPUT","argument":"Last-Event-ID"');
    expect(stream.text()).not.toContain('generationUpdated":{');
    expect(stream.text()).toMatch(/event: complete\ndata:\n\n$/);
  });
});

test('over multipart each message is a part as soon as it is there, and the last boundary closes', async () => {
  const first = await doors.stage.create(doors.caller);
  const stream = await watchByMultipart(first.id);
  expect([stream.status, stream.headers.get('content-type')]).toEqual([
    200,
    'multipart/mixed;boundary="graphql";subscriptionSpec=1.0',
  ]);
  const part = (content: string) => `\r\ncontent-type: application/json\r\n\r\n${content}\r\n--graphql`;
  const message = (final: boolean) => part(`{"payload":{"data":{"generationUpdated":{"final":${final}}}}}`);
  // The boundary after it ends a part: without it a client waits for more.
  await stream.until(message(false));
  await finish(first);
  expect(await stream.ended).toBe('whole');
  expect(stream.text().replaceAll(part('{}'), '')).toBe(`\r\n--graphql${message(false)}${message(true)}--\r\n`);
});

describe.each([
  ['Server-Sent Events', (id: string) => watchByEventSource(id), ':\n\n'],
  ['multipart', watchByMultipart, '\r\n\r\n{}\r\n--graphql'],
])('over %s', (_name, watch, heartbeat) => {
  test('a stream on which nothing happens shows that it is there, and its source stops when the client leaves', async () => {
    const { id } = await doors.stage.create(doors.caller);
    const stream = await watch(id);
    await stream.until('generationUpdated');
    const { length } = stream.text();
    await until(
      () => stream.text().slice(length),
      (rest) => rest.split(heartbeat).length > 3,
    );
    expect(stream.text().slice(length).replaceAll('\r\ncontent-type: application/json', '')).toMatch(
      new RegExp(`^(${heartbeat})+$`),
    );
    expect(doors.watcher.size).toBe(1);
    const left = performance.now();
    stream.leave();
    await until(
      () => doors.watcher.size,
      (size) => size === 0,
    );
    expect(performance.now() - left).toBeLessThan(2_000);
  });

  test('a server that stops cuts the stream without an end, so that the client comes back', async () => {
    const stopping = await openDoors({});
    const { id } = await stopping.stage.create(stopping.caller);
    const current = doors;
    doors = stopping;
    try {
      const stream = await watch(id);
      await stream.until('generationUpdated');
      await stopping.stop();
      expect(await stream.ended).toBe('cut');
      expect(stream.text()).not.toMatch(/complete|graphql--/);
    } finally {
      doors = current;
    }
  });
});
