import { mkdir, mkdtemp, readdir, rm, rmdir, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createDiskStorage } from '../../src/storage/disk.ts';
import type { ByteRange, Storage } from '../../src/storage/storage.ts';

const KEY = 'wsp_1/gen_1/ast_1.png';

let home: string;
let folder: string;
let storage: Storage;

beforeEach(async () => {
  home = await mkdtemp(path.join(tmpdir(), 'darkroom-storage-'));
  folder = path.join(home, 'assets');
  storage = createDiskStorage(folder);
});
afterEach(() => rm(home, { recursive: true }));

async function keep(key: string, ...chunks: string[]): Promise<void> {
  const incoming = await storage.receive();
  for (const chunk of chunks) await incoming.write(Buffer.from(chunk));
  await incoming.keep(key);
}

async function read(key: string, range?: ByteRange): Promise<{ text: string; byteSize: number } | null> {
  const kept = await storage.open(key, range);
  return kept && { text: (await buffer(kept.stream)).toString(), byteSize: kept.byteSize };
}

/** As removing the last file of a folder does; false when it holds any or is not there. */
function removeFolder(place: string): Promise<boolean> {
  return rmdir(place).then(
    () => true,
    () => false,
  );
}

async function listFiles(): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)));
}

test('whoever reads a file goes on reading it while another takes its place', async () => {
  await keep(KEY, 'first');
  const old = await storage.open(KEY);
  await keep(KEY, 'second');
  expect((await read(KEY))?.text).toBe('second');
  expect(old && (await buffer(old.stream)).toString()).toBe('first');
});

test('neither a file discarded nor one kept leaves a temporary one', async () => {
  const incoming = await storage.receive();
  await incoming.write(Buffer.from('half'));
  await incoming.discard();
  expect(await listFiles()).toEqual([]);
  await keep(KEY, 'x');
  expect(await listFiles()).toEqual([KEY]);
});

test('removing takes the file and the folder it leaves empty, and may be repeated', async () => {
  await keep(KEY, 'x');
  await keep('wsp_1/gen_2/ast_2.png', 'y');
  await storage.remove(KEY);
  await storage.remove(KEY);
  expect(await read(KEY)).toBeNull();
  expect(await readdir(path.join(folder, 'wsp_1'))).toEqual(['gen_2']);
});

test('a file is kept though its empty folder is removed five times meanwhile', async () => {
  let removals = 0;
  for (let n = 0; n < 50; n++) {
    let kept = false;
    const keeping = keep(KEY, 'x').finally(() => {
      kept = true;
    });
    for (let left = 5; left > 0 && !kept; ) {
      const removed = await removeFolder(path.join(folder, 'wsp_1/gen_1'));
      if (removed) left -= 1;
      if (removed) removals += 1;
    }
    await keeping;
    expect((await read(KEY))?.text).toBe('x');
    await storage.remove(KEY);
  }
  expect(removals).toBeGreaterThan(0);
});

test('a symbolic link is not followed: not as the file, and not out of the folder', async () => {
  await mkdir(path.join(folder, 'wsp_1'), { recursive: true });
  await mkdir(path.join(home, 'elsewhere'));
  await writeFile(path.join(home, 'elsewhere', 'a.png'), 'secret');
  await symlink(path.join(home, 'elsewhere', 'a.png'), path.join(folder, 'wsp_1', 'a.png'));
  await symlink(path.join(home, 'elsewhere'), path.join(folder, 'wsp_2'));
  await expect(storage.open('wsp_1/a.png')).rejects.toThrow('Could not open');
  await expect(storage.open('wsp_2/a.png')).rejects.toThrow('Could not open');
  await expect(storage.remove('wsp_2/a.png')).rejects.toThrow('Could not remove');
  await expect(keep('wsp_2/b.png', 'x')).rejects.toThrow('Could not keep');
  expect(await readdir(path.join(home, 'elsewhere'))).toEqual(['a.png']);
});

test('a storage folder that is itself reached by a link works', async () => {
  await mkdir(path.join(home, 'real'));
  await symlink(path.join(home, 'real'), path.join(home, 'link'));
  storage = createDiskStorage(path.join(home, 'link'));
  await keep(KEY, 'x');
  expect((await read(KEY))?.text).toBe('x');
});

test('a key whose place is taken by a folder cannot be kept, and its temporary file is gone', async () => {
  await keep(`${KEY}/deeper`, 'x');
  await expect(keep(KEY, 'y')).rejects.toMatchObject({ message: `Could not keep ${KEY}.`, cause: expect.any(Error) });
  expect(await listFiles()).toEqual([`${KEY}/deeper`]);
});

test('sweeping deletes what nobody has written to for 15 minutes, and nothing else', async () => {
  expect(await storage.sweep()).toBe(0);
  await keep(KEY, 'kept');
  const [abandoned, fresh] = [await storage.receive(), await storage.receive()];
  const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000);
  await utimes(abandoned.path, minutesAgo(16), minutesAgo(16));
  await utimes(fresh.path, minutesAgo(14), minutesAgo(14));
  await utimes(path.join(folder, KEY), minutesAgo(16), minutesAgo(16));
  expect(await storage.sweep()).toBe(1);
  expect((await listFiles()).sort()).toEqual([path.relative(folder, fresh.path), KEY]);
  await abandoned.discard();
  await fresh.discard();
});
