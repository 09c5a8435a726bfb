import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

let home: string;

beforeEach(async () => {
  home = await mkdtemp(path.join(tmpdir(), 'darkroom-crash-'));
});
afterEach(() => rm(home, { recursive: true }));

const TSX = ['--import', import.meta.resolve('tsx'), path.join(import.meta.dirname, 'keep-forever.ts')];
const WHOLE = 1_000_000;

test('kill -9 while files are written leaves only whole files under keys', async () => {
  const writer = spawn(process.execPath, [...TSX, home], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(writer.stdout, 'data');
  writer.kill('SIGKILL');
  await once(writer, 'exit');
  const names = await readdir(path.join(home, 'kept'));
  const sizes = await Promise.all(names.map(async (name) => (await readFile(path.join(home, 'kept', name))).length));
  expect(names.length).toBeGreaterThanOrEqual(3);
  expect(new Set(sizes)).toEqual(new Set([WHOLE]));
});

test('a file that cannot grow (as on a full disk) fails with the cause, and leaves no temporary file', async () => {
  // `ulimit -f` counts blocks of 512 or 1024 bytes: either way less than the file.
  const limited = ['-c', 'trap "" XFSZ; ulimit -f 200; exec "$0" "$@"', process.execPath, ...TSX, home];
  const writer = spawnSync('/bin/sh', limited, { encoding: 'utf8' });
  expect(writer.stdout).toBe('Could not write a file being received. EFBIG\n');
  expect(await readdir(home, { recursive: true })).toEqual(['.incoming']);
});
