import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';
import { createClient } from './client.ts';
import { CERT, KEY } from './loopback-certificate.ts';

let sandbox: Sandbox;
let client: ReturnType<typeof createClient>;
let receiver: Server;
let callback_url: string;
let received: { path: string; at: number; body: unknown }[];
let statuses: number[];

beforeEach(async () => {
  sandbox = await startSandbox({ port: 0 });
  client = createClient(sandbox.url);
  received = [];
  statuses = [];
  receiver = createServer({ key: KEY, cert: CERT }, async (request, response) => {
    received.push({ path: request.url ?? '', at: performance.now(), body: JSON.parse(await text(request)) });
    response.writeHead(statuses.shift() ?? 204).end();
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  callback_url = `https://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook?token=secret`;
});
afterEach(async () => {
  await sandbox.stop();
  await new Promise((resolve) => receiver.close(resolve));
});

test('a callback comes when the task has ended, and is what a poll says', async () => {
  const id = await client.order('call me [[slow=0.2]]', { callback_url });
  await vi.waitFor(() => expect(received).toHaveLength(1), { timeout: 3000 });
  expect(received[0]).toMatchObject({ path: '/hook?token=secret', body: { id, status: 'completed', progress: 100 } });
  expect(received[0]?.body).toEqual((await client.poll(id)).json);
});

test('a failed task calls back too', async () => {
  await client.order('bad news [[fail]] [[slow=0]]', { callback_url });
  await vi.waitFor(() => expect(received).toMatchObject([{ body: { status: 'failed' } }]), { timeout: 3000 });
});

test('a lost answer is followed by its callback all the same', async () => {
  await expect(client.submit('found again [[lost-answer]] [[slow=0]]', { callback_url })).rejects.toThrow();
  await vi.waitFor(() => expect(received).toMatchObject([{ body: { status: 'completed' } }]), { timeout: 3000 });
});

test('double-callback comes twice, no-callback never', async () => {
  await client.order('silence [[no-callback]] [[slow=0]]', { callback_url });
  await client.order('echo [[double-callback]] [[slow=0]]', { callback_url });
  await vi.waitFor(() => expect(received).toHaveLength(2), { timeout: 3000 });
  expect(received[1]?.body).toEqual(received[0]?.body);
});

test('a refused callback comes again after one second and then two', async () => {
  statuses = [500, 302];
  await client.order('again [[slow=0]]', { callback_url });
  await vi.waitFor(() => expect(received).toHaveLength(3), { timeout: 6000 });
  const [first, second, third] = received.map(({ at }) => at) as [number, number, number];
  expect(second - first).toBeGreaterThan(900);
  expect(third - second).toBeGreaterThan(1900);
});

test('stop does not wait for callbacks that are due in an hour', async () => {
  await client.order('later [[slow=3600]]', { callback_url });
  const began = performance.now();
  await sandbox.stop();
  expect(performance.now() - began).toBeLessThan(1000);
  expect(received).toEqual([]);
});
