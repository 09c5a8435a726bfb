// The README's quickstart, as a newcomer runs it: npm start, one mutation without a key, the picture on disk, stop.
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

const READY_MS = 10_000;
const FINISHED_MS = 30_000;
const STOPPED_MS = 15_000;
const url = 'http://127.0.0.1:4719/graphql';

const home = await mkdtemp(join(tmpdir(), 'darkroom-quickstart-'));
const env = { ...process.env, DATA_DIR: home, PORT: new URL(url).port };
const began = performance.now();
const service = spawn('npm', ['start'], { env, stdio: ['ignore', 'ignore', 'inherit'], detached: true });
try {
  await until(READY_MS, 'ready', async () => (await fetch(new URL('/readyz', url))).ok);
  console.log(`ready after ${Math.round(performance.now() - began)} ms`);

  const size = '{ pixels: { width: 2560, height: 1440 } }';
  const { createGeneration } = await ask(
    `mutation { createGeneration(input: { prompt: "A quiet harbour", size: ${size} }) { generation { id } errors { message } } }`,
  );
  const { id } = createGeneration.generation;
  const asset = await until(FINISHED_MS, 'finished', async () => {
    const { generation } = await ask(
      `{ generation(id: "${id}") { status assets { width height byteSize url { uri } } } }`,
    );
    return generation.status === 'SUCCEEDED' && generation.assets[0];
  });
  if (asset.width !== 2560 || asset.height !== 1440) throw new Error(`The picture is ${asset.width}x${asset.height}.`);

  const kept = (await readdir(join(home, 'assets'), { recursive: true })).filter((name) => name.endsWith('.jpg'));
  const bytes = (await stat(join(home, 'assets', kept[0]))).size;
  const served = (await (await fetch(asset.url.uri)).arrayBuffer()).byteLength;
  if (kept.length !== 1 || bytes !== asset.byteSize || served !== asset.byteSize)
    throw new Error('The picture is not whole.');
  console.log(`a picture of 2560x1440 and ${bytes} bytes is on disk and served`);
} finally {
  if (isRunning()) process.kill(-service.pid, 'SIGTERM');
  // npm may be gone before what it started.
  await until(STOPPED_MS, 'stopped', async () => !isRunning());
  await rm(home, { recursive: true, force: true, maxRetries: 50, retryDelay: 100 });
}
console.log('stopped');

function isRunning() {
  try {
    return process.kill(-service.pid, 0);
  } catch {
    return false;
  }
}

async function ask(query) {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query }) });
  const { data, errors } = await response.json();
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}

async function until(limitMs, what, look) {
  const end = performance.now() + limitMs;
  while (performance.now() < end) {
    const found = await look().catch(() => false);
    if (found) return found;
    await wait(50);
  }
  throw new Error(`It was not ${what} within ${limitMs} ms.`);
}
