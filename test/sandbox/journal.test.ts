import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';
import { createCaller } from './caller.ts';
import { createClient } from './client.ts';

let folder: string;
let journalFile: string;
const started: Sandbox[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sandbox-'));
  journalFile = join(folder, 'deep', 'tasks.jsonl');
});
afterEach(async () => {
  for (const sandbox of started.splice(0)) await sandbox.stop();
  await rm(folder, { recursive: true });
});

async function start() {
  const sandbox = await startSandbox({ port: 0, journalFile });
  started.push(sandbox);
  return { sandbox, client: createClient(sandbox.url) };
}

/** As if the only task in the journal had been accepted this much earlier. */
async function backdate(milliseconds: number): Promise<void> {
  const line = JSON.parse(await readFile(journalFile, 'utf8'));
  await writeFile(journalFile, `${JSON.stringify({ ...line, acceptedAt: line.acceptedAt - milliseconds })}\n`);
}

test('tasks, links and charges survive a restart on the same port', async () => {
  const before = await start();
  const id = await before.client.order('keep me [[slow=0]]');
  const [link] = (await before.client.poll(id)).json.results as string[];
  const charges = await before.client.list('/_billing');
  await before.sandbox.stop();
  const after = await start();
  expect(after.sandbox.url).toBe(before.sandbox.url);
  expect((await after.client.poll(id)).json).toMatchObject({ id, status: 'completed', results: [link] });
  expect((await fetch(link as string)).status).toBe(200);
  expect(await after.client.list('/_billing')).toEqual(charges);
});

test('what else a task has of its request survives too: its batch, its echo, its formats, what it spent', async () => {
  const before = createCaller((await start()).sandbox.url, 'seedance');
  const item = { model: 'seedream-5.0-lite', prompt: 'kept [[slow=0]]', deep_thinking: true, metadata: { project: 7 } };
  const { json } = await before.post('/v1/images/batch', { generations: [item, { ...item, metadata: {} }] });
  const path = `/v1/images/batch/${json.batch_id}`;
  const report = (await before.get(path)).json as { results: { task_id: string }[] };
  expect(report.results).toHaveLength(2);
  await started[0]?.stop();
  const { sandbox } = await start();
  const after = createCaller(sandbox.url, 'seedance');
  expect((await after.get(path)).json).toEqual(report);
  const image = (await after.get(`/v1/images/${report.results[0]?.task_id}`)).json;
  expect(image).toMatchObject({ deep_thinking_used: true, metadata: { project: 7 } });
  expect((await fetch(image.image_url_webp as string)).status).toBe(200);
  expect((await after.get('/v1/account/credits')).json).toMatchObject({ credits_remaining: json.credits_remaining });
});

test('a task keeps running while nobody hosts it', async () => {
  const before = await start();
  const id = await before.client.order('patient [[slow=3600]]');
  await before.sandbox.stop();
  await backdate(3600 * 1000);
  const after = await start();
  expect((await after.client.poll(id)).json.status).toBe('completed');
});

test('an accepted task is in the journal before its answer leaves', async () => {
  const { client } = await start();
  await expect(client.submit('gone [[lost-answer]]')).rejects.toThrow();
  expect(await readFile(journalFile, 'utf8')).toContain('gone [[lost-answer]]');
});

test('a torn last line is left out, and the next task is written on a line of its own', async () => {
  const before = await start();
  const id = await before.client.order('whole [[slow=0]]');
  await before.sandbox.stop();
  await appendFile(journalFile, '{"id":"task-unified-1-torn');
  const between = await start();
  const next = await between.client.order('next [[slow=0]]');
  await between.sandbox.stop();
  const after = await start();
  expect((await after.client.poll(id)).status).toBe(200);
  expect((await after.client.poll(next)).status).toBe(200);
});

test('what is older than 24 hours is dropped', async () => {
  const before = await start();
  const id = await before.client.order('old [[slow=0]]');
  await before.sandbox.stop();
  await backdate(24 * 3600 * 1000);
  const after = await start();
  expect((await after.client.poll(id)).status).toBe(404);
  expect(await readFile(journalFile, 'utf8')).toBe('');
});

test('a remembered port that is taken is given up for a free one', async () => {
  const before = await start();
  await before.sandbox.stop();
  const squatter = createServer().listen(before.sandbox.port, '127.0.0.1');
  await new Promise((resolve) => squatter.once('listening', resolve));
  const after = await start();
  expect(after.sandbox.port).not.toBe(before.sandbox.port);
  await new Promise((resolve) => squatter.close(resolve));
});
