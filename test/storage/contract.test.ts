import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createDiskStorage } from '../../src/storage/disk.ts';
import { createS3Storage } from '../../src/storage/s3.ts';
import type { ByteRange, Storage } from '../../src/storage/storage.ts';
import { BUCKET, KEY_ID, type S3Server, SECRET, startS3 } from './s3-server.ts';

const KEY = 'wsp_1/gen_1/ast_1.png';

let s3: S3Server;
let home: string;
let storage: Storage;

beforeAll(async () => {
  s3 = await startS3();
});
afterAll(() => s3?.stop());
beforeEach(async () => {
  home = await mkdtemp(path.join(tmpdir(), 'darkroom-contract-'));
});
afterEach(async () => {
  await storage.stop();
  await rm(home, { recursive: true });
});

/** Each test gets a place of its own in the one bucket. */
function onS3(): Storage {
  return createS3Storage({
    bucket: BUCKET,
    prefix: `${path.basename(home)}/`,
    endpoint: s3.endpoint,
    region: 'us-east-1',
    accessKeyId: KEY_ID,
    secretAccessKey: SECRET,
    sessionToken: null,
    spool: path.join(home, 'incoming'),
  });
}

async function keep(key: string, ...chunks: string[]): Promise<void> {
  const incoming = await storage.receive();
  for (const chunk of chunks) await incoming.write(Buffer.from(chunk));
  await incoming.keep(key);
}

async function read(key: string, range?: ByteRange): Promise<{ text: string; byteSize: number } | null> {
  const kept = await storage.open(key, range);
  return kept && { text: (await buffer(kept.stream)).toString(), byteSize: kept.byteSize };
}

describe.each([
  ['disk', () => createDiskStorage(home)],
  ['S3', onS3],
])('on %s', (_place, create) => {
  beforeEach(() => {
    storage = create();
  });

  test('a file kept is read back whole or in part, and its size is known', async () => {
    await keep(KEY, 'hello ', 'world');
    expect(await read(KEY)).toEqual({ text: 'hello world', byteSize: 11 });
    expect(await read(KEY, { start: 6, end: 7 })).toEqual({ text: 'wo', byteSize: 11 });
    expect(await read(KEY, { start: 6, end: 99 })).toEqual({ text: 'world', byteSize: 11 });
    expect(await storage.sizeOf(KEY)).toBe(11);
  });

  test('what was never kept is not there', async () => {
    expect([await read(KEY), await read(KEY, { start: 0, end: 9 }), await storage.sizeOf(KEY)]).toEqual([
      null,
      null,
      null,
    ]);
  });

  test('nothing is under the key until keep, though the bytes can be looked at by path', async () => {
    const incoming = await storage.receive();
    await incoming.write(Buffer.from('half'));
    expect(await read(KEY)).toBeNull();
    expect(await readFile(incoming.path, 'utf8')).toBe('half');
    await incoming.keep(KEY);
    expect((await read(KEY))?.text).toBe('half');
    await expect(stat(incoming.path)).rejects.toThrow('ENOENT');
  });

  test('keeping the same key again is fine, and puts the new bytes in place of the old', async () => {
    const incoming = await storage.receive();
    await incoming.write(Buffer.from('first'));
    await incoming.keep(KEY);
    await incoming.keep(KEY);
    await incoming.discard();
    expect((await read(KEY))?.text).toBe('first');
    await keep(KEY, 'second');
    expect((await read(KEY))?.text).toBe('second');
  });

  test('a file discarded leaves nothing behind, and cannot be kept', async () => {
    const incoming = await storage.receive();
    await incoming.write(Buffer.from('half'));
    await incoming.discard();
    await incoming.discard();
    await expect(stat(incoming.path)).rejects.toThrow('ENOENT');
    await expect(incoming.keep(KEY)).rejects.toThrow(`Could not keep ${KEY}: it was discarded.`);
    expect(await read(KEY)).toBeNull();
  });

  test('removing takes the file only, and may be repeated', async () => {
    await keep(KEY, 'x');
    await keep('wsp_1/gen_2/ast_2.png', 'y');
    await storage.remove(KEY);
    await storage.remove(KEY);
    expect([await read(KEY), (await read('wsp_1/gen_2/ast_2.png'))?.text]).toEqual([null, 'y']);
  });

  test('a megabyte comes back as it was, and a reader who leaves half way is no error', async () => {
    const text = 'x'.repeat(1_000_000);
    await keep(KEY, text);
    await keep('small', 'x');
    const unread = await storage.open('small');
    // Long enough for all of it to have come.
    await storage.sizeOf('small');
    unread?.stream.destroy();
    const left = await storage.open(KEY);
    left?.stream.destroy();
    const halfRead = await storage.open(KEY);
    for await (const _chunk of halfRead?.stream ?? []) break;
    expect((await read(KEY))?.text).toBe(text);
  });

  test.each([
    '../outside.png',
    'wsp/../../outside.png',
    '/etc/passwd',
    'wsp//a.png',
    'wsp/.hidden',
    '.incoming/a',
    'wsp/./a',
    'wsp\\..\\a',
    'a\0b',
    'a?b',
    'a%2fb',
    'a/',
    '',
    'x'.repeat(300),
  ])('%j is not a key', async (key) => {
    await expect(storage.open(key)).rejects.toThrow('Not a storage key');
    await expect(storage.sizeOf(key)).rejects.toThrow('Not a storage key');
    await expect(storage.remove(key)).rejects.toThrow('Not a storage key');
    const incoming = await storage.receive();
    await expect(incoming.keep(key)).rejects.toThrow('Not a storage key');
    await incoming.discard();
  });

  test('the check passes and leaves nothing that a sweep would find', async () => {
    await storage.check();
    expect(await storage.sweep()).toBe(0);
  });
});
