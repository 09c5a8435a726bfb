import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import sharp from 'sharp';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { StoredFile } from '../../src/asset/find-stored.ts';
import type { Variant } from '../../src/asset/variant.ts';
import { createVariants, type Variants } from '../../src/asset/variants.ts';
import { createDiskStorage } from '../../src/storage/disk.ts';
import type { Storage } from '../../src/storage/storage.ts';

const KEY = 'wsp_1/gen_1/ast_1-0123456789abcdef.png';
const RED = await sharp({ create: { width: 40, height: 40, channels: 3, background: '#ff0000' } })
  .png()
  .toBuffer();
const ORIGINAL: StoredFile = { storageKey: KEY, mimeType: 'image/png', byteSize: RED.length, tag: 'ab'.repeat(32) };
const THUMB: Variant = { width: 20, height: 20, fit: 'COVER', extension: 'webp' };

let home: string;
let storage: Storage;
let variants: Variants;
/** What the storage was asked to open and to receive. */
let opened: string[];
let received: number;

beforeEach(async () => {
  home = await mkdtemp(path.join(tmpdir(), 'darkroom-variants-'));
  const disk = createDiskStorage(home);
  [opened, received] = [[], 0];
  storage = {
    ...disk,
    open(key, range) {
      opened.push(key);
      return disk.open(key, range);
    },
    receive() {
      received += 1;
      return disk.receive();
    },
  };
  variants = createVariants(storage);
  await keepPicture(disk);
});
afterEach(() => rm(home, { recursive: true }));

async function keepPicture(disk: Storage): Promise<void> {
  const incoming = await disk.receive();
  await incoming.write(RED);
  await incoming.keep(KEY);
}

async function read({ storageKey }: StoredFile): Promise<Buffer> {
  const kept = await storage.open(storageKey);
  return kept ? await buffer(kept.stream) : Buffer.alloc(0);
}

test('a variant lies in a folder named after its original, which stays as it is', async () => {
  const before = await read(ORIGINAL);
  const made = await variants.ensure(ORIGINAL, THUMB);
  const bytes = await read(made as StoredFile);
  expect(made).toEqual({
    storageKey: `wsp_1/gen_1/ast_1-0123456789abcdef/1-${sharp.versions.sharp}-20x20-cover.webp`,
    mimeType: 'image/webp',
    byteSize: bytes.length,
    tag: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
  expect(await sharp(bytes).metadata()).toMatchObject({ format: 'webp', width: 20, height: 20 });
  expect((await read(ORIGINAL)).equals(before)).toBe(true);
  expect(await readdir(path.join(home, 'wsp_1/gen_1'))).toEqual([
    'ast_1-0123456789abcdef',
    'ast_1-0123456789abcdef.png',
  ]);
});

test('twenty who ask at once get one and the same, made once; so does whoever asks later, in another process too', async () => {
  const made = await Promise.all(Array.from({ length: 20 }, () => variants.ensure(ORIGINAL, THUMB)));
  const later = [await variants.ensure(ORIGINAL, THUMB), await createVariants(storage).ensure(ORIGINAL, THUMB)];
  expect(new Set([...made, ...later].map((one) => JSON.stringify(one))).size).toBe(1);
  expect([opened, received]).toEqual([[KEY], 1]);
});

test('two processes that make the same at once leave one whole file', async () => {
  const made = await Promise.all([variants, createVariants(storage)].map((one) => one.ensure(ORIGINAL, THUMB)));
  expect(made[0]).toEqual(made[1]);
  expect((await read(made[0] as StoredFile)).length).toBe(made[0]?.byteSize);
  expect(received).toBe(2);
});

test('a variant that was removed is made anew, with the same bytes', async () => {
  const made = (await variants.ensure(ORIGINAL, THUMB)) as StoredFile;
  const bytes = await read(made);
  await storage.remove(made.storageKey);
  expect(await variants.ensure(ORIGINAL, THUMB)).toEqual(made);
  expect([(await read(made)).equals(bytes), received]).toEqual([true, 2]);
});

test('another size, format or original has another file and another tag', async () => {
  const wishes: [StoredFile, Variant][] = [
    [ORIGINAL, THUMB],
    [ORIGINAL, { ...THUMB, width: 21 }],
    [ORIGINAL, { ...THUMB, extension: 'jpg' }],
    [{ ...ORIGINAL, tag: 'cd'.repeat(32) }, THUMB],
  ];
  const made = await Promise.all(wishes.map(([original, variant]) => variants.ensure(original, variant)));
  expect(new Set(made.map((one) => one?.tag)).size).toBe(4);
  expect(new Set(made.slice(0, 3).map((one) => one?.storageKey)).size).toBe(3);
});

test('without its original there is no variant, and nothing is kept', async () => {
  await storage.remove(KEY);
  expect([await variants.ensure(ORIGINAL, THUMB), received]).toEqual([null, 0]);
});

test('a storage that cannot keep it fails those who wait, leaves nothing, and the next one is served', async () => {
  const { receive } = storage;
  storage.receive = async () => {
    const incoming = await receive();
    return { ...incoming, keep: () => Promise.reject(new Error('The disk is full.')) };
  };
  const failed = await Promise.allSettled([1, 2].map(() => variants.ensure(ORIGINAL, THUMB)));
  expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await readdir(path.join(home, '.incoming'))).toEqual([]);
  storage.receive = receive;
  expect(await variants.ensure(ORIGINAL, THUMB)).not.toBeNull();
});
