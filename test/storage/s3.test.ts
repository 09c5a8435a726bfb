import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createS3Storage, type S3Options } from '../../src/storage/s3.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { until } from '../service/until.ts';
import { BUCKET, KEY_ID, type S3Server, SECRET, startS3, type Trouble } from './s3-server.ts';

const KEY = 'wsp_1/gen_1/ast_1.png';

let s3: S3Server;
let home: string;
let options: S3Options;
let storage: Storage;

beforeAll(async () => {
  s3 = await startS3();
});
afterAll(() => s3?.stop());
beforeEach(async () => {
  home = await mkdtemp(path.join(tmpdir(), 'darkroom-s3-'));
  options = {
    bucket: BUCKET,
    prefix: `${path.basename(home)}/`,
    endpoint: s3.endpoint,
    region: 'us-east-1',
    accessKeyId: KEY_ID,
    secretAccessKey: SECRET,
    sessionToken: null,
    spool: path.join(home, 'incoming'),
  };
  storage = createS3Storage(options);
  s3.seen.length = 0;
});
afterEach(async () => {
  await storage.stop();
  await rm(home, { recursive: true });
});

async function keep(text: string, key = KEY, patience?: AbortSignal): Promise<void> {
  const incoming = await storage.receive();
  await incoming.write(Buffer.from(text));
  await incoming.keep(key, patience);
}

async function read(key = KEY): Promise<string | null> {
  const kept = await storage.open(key);
  return kept && (await buffer(kept.stream)).toString();
}

/** The error, and all that a log would say of it. */
async function faultOf(promise: Promise<unknown>): Promise<{ message: string; cause: string; all: string }> {
  const error = await promise.then(
    () => new Error('It did not fail.'),
    (fault: Error) => fault,
  );
  const causes: string[] = [];
  for (let at: unknown = error.cause; at instanceof Error; at = at.cause) causes.push(at.message);
  return { message: error.message, cause: causes.join(' '), all: `${error.stack} ${causes.join(' ')}` };
}

function methods(): string {
  return s3.seen.map((line) => line.split(' ')[0]).join(' ');
}

test('a file is kept by a PUT and a HEAD that finds all of it, under the prefix', async () => {
  await keep('hello');
  const place = `/${BUCKET}/${options.prefix}${KEY}`;
  expect(s3.seen).toEqual([`PUT ${place}`, `HEAD ${place}`]);
});

test('a session token goes along with every request', async () => {
  await storage.stop();
  storage = createS3Storage({ ...options, sessionToken: 'a-token' });
  await keep('hello');
  expect([await read(), s3.tokens]).toEqual(['hello', ['a-token', 'a-token', 'a-token']]);
});

test.each<[act: Trouble['act'], method: string, seen: string]>([
  ['BUSY', 'PUT', 'PUT PUT HEAD'],
  ['SILENT_CUT', 'PUT', 'PUT PUT HEAD'],
  ['GARBLE', 'PUT', 'PUT PUT HEAD'],
  ['BUSY', 'HEAD', 'PUT HEAD HEAD'],
])('%s in a %s is tried again, and the file is kept as it is', async (act, method, seen) => {
  s3.troubles.push({ act, method });
  await keep('hello');
  expect([methods(), await read()]).toEqual([seen, 'hello']);
});

test('what cannot pass is not outlasted, patience or not', async () => {
  s3.troubles.push({ method: 'PUT', act: 'FORBID' });
  expect((await faultOf(keep('hello', KEY, new AbortController().signal))).cause).toBe(
    'S3 answered 403 AccessDenied to PUT',
  );
  expect(methods()).toBe('PUT');
});

test('the end of the patience ends the pause, with what S3 said last', async () => {
  const patience = new AbortController();
  for (let tries = 0; tries < 4; tries++) s3.troubles.push({ method: 'PUT', act: 'BUSY' });
  const keeping = faultOf(keep('hello', KEY, patience.signal));
  await until(methods, (seen) => seen === 'PUT PUT PUT');
  patience.abort();
  expect((await keeping).cause).toBe('S3 answered 503 SlowDown to PUT');
  expect([methods(), await readdir(options.spool)]).toEqual(['PUT PUT PUT', []]);
  s3.troubles.length = 0;
});

test('a PUT that was acknowledged is not believed when S3 holds less', async () => {
  s3.troubles.push({ method: 'PUT', act: 'SHORTEN' });
  expect(await faultOf(keep('hello world'))).toMatchObject({
    message: `Could not keep ${KEY}.`,
    cause: 'S3 took 11 bytes and says that it holds 5',
  });
  expect(await readdir(options.spool)).toEqual([]);
});

test('while S3 is away nothing is kept or found missing; when it is back, all goes on', async () => {
  await keep('before');
  await s3.goAway();
  try {
    const tried = [keep('x', 'other'), read(), storage.sizeOf(KEY), storage.remove(KEY), storage.check()];
    const faults = await Promise.all(tried.map(faultOf));
    expect(faults.map(({ message }) => message)).toEqual([
      'Could not keep other.',
      `Could not open ${KEY}.`,
      `Could not open ${KEY}.`,
      `Could not remove ${KEY}.`,
      'S3 cannot be reached (ECONNREFUSED)',
    ]);
  } finally {
    await s3.comeBack();
  }
  await keep('after', 'other');
  expect([await read(), await read('other')]).toEqual(['before', 'after']);
});

test.each<[what: string, change: Partial<S3Options>, message: string]>([
  [
    'a key that is not known',
    { accessKeyId: 'AKIASOMEBODYELSE' },
    'S3 answered 403 InvalidAccessKeyId to PUT: it does not know AWS_ACCESS_KEY_ID',
  ],
  [
    'another secret',
    { secretAccessKey: 'not-the-secret' },
    'S3 answered 403 SignatureDoesNotMatch to PUT: AWS_SECRET_ACCESS_KEY does not belong to AWS_ACCESS_KEY_ID',
  ],
  [
    'a bucket that is not there',
    { bucket: 'nobodys' },
    'S3 answered 404 NoSuchBucket to PUT: there is no bucket of this name',
  ],
])(
  'with %s the check says so in a clause, nothing is read as missing, and no secret is told',
  async (_what, change, message) => {
    const wrong = createS3Storage({ ...options, ...change });
    const faults = await Promise.all([faultOf(wrong.check()), faultOf(wrong.open(KEY))]);
    expect(faults.map((fault) => fault.message)).toEqual([message, `Could not open ${KEY}.`]);
    for (const { all } of faults) expect(all).not.toMatch(/AKIA|the-secret|StringToSign/);
    await wrong.stop();
  },
);

test('without the right to list, where a missing file looks forbidden, the check names the rights that are needed', async () => {
  s3.troubles.push({ method: 'GET', act: 'FORBID' });
  expect((await faultOf(storage.check())).message).toBe(
    'S3 answered 403 AccessDenied to GET: the credentials may not do this: they need s3:PutObject, GetObject, DeleteObject and ListBucket',
  );
  expect(methods()).toBe('PUT HEAD DELETE GET');
});

test('a body that breaks off half way is an error of its reader', async () => {
  await keep('x'.repeat(100_000));
  s3.troubles.push({ method: 'GET', act: 'CUT_HALF' });
  await expect(read()).rejects.toThrow();
  expect(await read()).toHaveLength(100_000);
});

test('stopping breaks off what hangs, and nothing is asked afterwards', async () => {
  s3.troubles.push({ method: 'GET', act: 'HANG' });
  const reading = faultOf(read());
  await until(methods, (seen) => seen === 'GET');
  await storage.stop();
  expect((await reading).cause).toBe('The storage is stopping');
  expect((await faultOf(read())).cause).toBe('The storage has stopped');
  expect(methods()).toBe('GET');
});

test('kill -9 while S3 takes a file leaves whole files only, and a temporary one that is swept', async () => {
  const tsx = ['--import', import.meta.resolve('tsx'), path.join(import.meta.dirname, 'keep-forever.ts')];
  const writer = spawn(process.execPath, [...tsx, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(writer.stdout, 'data');
  s3.troubles.push({ method: 'PUT', act: 'HANG' });
  await until(
    () => s3.troubles.length,
    (left) => left === 0,
  );
  writer.kill('SIGKILL');
  await once(writer, 'exit');
  const count = s3.seen.filter((line) => line.startsWith('PUT')).length;
  const sizes = await Promise.all(Array.from({ length: count }, (_, n) => storage.sizeOf(`kept/${n + 1}`)));
  expect(count).toBeGreaterThanOrEqual(4);
  expect(sizes).toEqual([...Array(count - 1).fill(1_000_000), null]);
  const [left, ...more] = await readdir(options.spool);
  expect([left, more]).toEqual([expect.any(String), []]);
  const longAgo = new Date(Date.now() - 16 * 60_000);
  await utimes(path.join(options.spool, left ?? ''), longAgo, longAgo);
  expect([await storage.sweep(), await readdir(options.spool)]).toEqual([1, []]);
});
