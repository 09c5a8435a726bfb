import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';
import { createClient } from './client.ts';

let sandbox: Sandbox;
let client: ReturnType<typeof createClient>;
let warnings: [message: string, error: unknown][];
beforeEach(async () => {
  warnings = [];
  sandbox = await startSandbox({ port: 0, log: { warn: ({ err }, message) => void warnings.push([message, err]) } });
  client = createClient(sandbox.url);
});
afterEach(() => sandbox.stop());

/** Sends bytes as they are and gives what comes back until the end. */
async function sendRaw(bytes: string): Promise<string> {
  const socket = connect(sandbox.port, '127.0.0.1');
  socket.end(bytes);
  return text(socket).catch(() => '');
}

test('malformed requests and addresses are answered or cut, and the next one is served', async () => {
  const paths = [
    '//',
    '/%',
    '/gptimage2/%00',
    '/gptimage2/files/../../x/0.jpg',
    '/gptimage2',
    '/_log?x',
    'http://[',
    '*',
  ];
  for (const path of paths) {
    const answer = await sendRaw(
      `GET ${path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer sandbox\r\nconnection: close\r\n\r\n`,
    );
    expect(answer, path).toMatch(/^HTTP\/1\.1 [234]\d\d /);
  }
  await sendRaw('not http at all\r\n\r\n');
  expect((await client.submit('still here')).status).toBe(200);
  expect(warnings).toEqual([]);
});

test('clients that leave in the middle of a body or of a picture disturb nobody', async () => {
  const socket = connect(sandbox.port, '127.0.0.1');
  socket.write('POST /gptimage2/v1/images/generations HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n{"model"');
  await vi.waitFor(async () => expect(await client.list('/_log')).toMatchObject([{ method: 'POST', status: null }]));
  socket.destroy();
  const [link] = await client.results('never fetched [[slow=0]]');
  await expect(fetch(link as string, { signal: AbortSignal.timeout(20) })).rejects.toThrow();
  expect((await client.submit('still here')).status).toBe(200);
  expect(warnings).toEqual([]);
});

test('a request that breaks is cut, and logged with its error', async () => {
  const socket = connect(sandbox.port, '127.0.0.1').resume();
  socket.on('error', () => {});
  socket.write('POST /gptimage2/v1/images/generations HTTP/1.1\r\nhost: a\r\ncontent-length: 99999999\r\n\r\n');
  socket.write(Buffer.alloc(17 * 1024 * 1024));
  await vi.waitFor(() => expect(socket.closed).toBe(true));
  expect(warnings).toEqual([['sandbox: a request broke', new Error('the body does not end')]]);
});

test('a client that sends its body slowly is waited for', async () => {
  const body = JSON.stringify({ model: 'doubao-seedream-5.0-lite', prompt: 'slow hands' });
  const socket = connect(sandbox.port, '127.0.0.1');
  const answer = text(socket);
  socket.write(
    `POST /gptimage2/v1/images/generations HTTP/1.1\r\nhost: a\r\nauthorization: Bearer sandbox\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n`,
  );
  for (const letter of body) {
    socket.write(letter);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  expect(await answer).toMatch(/^HTTP\/1\.1 200 /);
});

test('stop cuts open connections, can be called twice, and frees the port', async () => {
  const [link] = await client.results('endless [[huge-image]] [[slow=0]]');
  const response = await fetch(link as string);
  const body = expect(response.arrayBuffer()).rejects.toThrow();
  await Promise.all([sandbox.stop(), sandbox.stop()]);
  await body;
  const again = await startSandbox({ port: sandbox.port });
  await again.stop();
  expect(warnings).toEqual([]);
});

test('a port that is taken is refused', async () => {
  await expect(startSandbox({ port: sandbox.port })).rejects.toThrow('EADDRINUSE');
});
