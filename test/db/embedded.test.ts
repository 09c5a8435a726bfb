import { execFile, spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { pino } from 'pino';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { findAccount } from '../../src/db/embedded/account.ts';
import { startEmbedded } from '../../src/db/embedded/embedded.ts';
import { runChild } from './child.ts';
import { makeFolder } from './folder.ts';

/** A stopped cluster to copy: initdb takes a second, and most tests are not about it. */
let made = '';
beforeAll(async () => {
  made = await mkdtemp(join(tmpdir(), 'darkroom-db-'));
  await chmod(made, 0o711);
  const server = await startEmbedded({ dataDir: made, log });
  await query(server.url, 'create table kept as select 42 as answer');
  await server.stop();
});
afterAll(() => rm(made, { recursive: true, force: true }));

const log = pino({ level: 'silent' });
const asRoot = process.getuid?.() === 0;

test('a first start makes a UTF-8 cluster with fsync, on loopback, whose application role is no superuser', async () => {
  const folder = await makeFolder();
  const { url } = await start(folder);
  const [row] = await query(
    url,
    `select current_user as role, current_setting('is_superuser') as superuser, current_setting('fsync') as fsync,
            current_setting('server_encoding') as encoding, current_setting('listen_addresses') as listens,
            pg_get_userbyid(datdba) as owner from pg_database where datname = current_database()`,
  );
  expect(row).toEqual({
    role: 'darkroom',
    superuser: 'off',
    fsync: 'on',
    encoding: 'UTF8',
    listens: '127.0.0.1',
    owner: 'darkroom',
  });
});

test('nobody gets in without the password, which only its owner can read, and the superuser not at all', async () => {
  const folder = await copyMade();
  const { url } = await start(folder);
  const file = join(folder, 'postgres.password');
  expect(await readFile(file, 'utf8')).toBe(new URL(url).password);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const wrong = new URL(url);
  wrong.password = 'guess';
  await expect(query(wrong.href, 'select 1')).rejects.toMatchObject({ code: '28P01' });
  wrong.username = 'postgres';
  await expect(query(wrong.href, 'select 1')).rejects.toMatchObject({ code: '28000' });
});

test('a second start finds what the first one wrote, even when the password file is lost', async () => {
  const folder = await copyMade();
  const first = await start(folder);
  await first.stop();
  const second = await start(folder);
  expect(await query(second.url, 'select answer from kept')).toEqual([{ answer: 42 }]);
  await second.stop();
  await rm(join(folder, 'postgres.password'));
  const third = await start(folder);
  expect(await query(third.url, 'select answer from kept')).toEqual([{ answer: 42 }]);
});

test('after kill -9 of the process that holds it, the next start has every committed row', async () => {
  const folder = await copyMade();
  const holder = runChild('hold.ts', folder);
  await query(await holder.line, 'update kept set answer = 43');
  const before = await readPostmaster(folder);
  holder.process.kill('SIGKILL');
  const next = await start(folder);
  expect(await query(next.url, 'select answer from kept')).toEqual([{ answer: 43 }]);
  expect(await readPostmaster(folder)).not.toBe(before);
});

test('after kill -9 of the process that holds it, the server shuts down cleanly by itself', async () => {
  const folder = await copyMade();
  const holder = runChild('hold.ts', folder);
  await holder.line;
  holder.process.kill('SIGKILL');
  // The last thing of a clean shutdown; a killed server leaves the file.
  const file = join(folder, 'postgres', 'postmaster.pid');
  await expect.poll(() => stat(file).catch((error) => error.code), { timeout: 5000 }).toBe('ENOENT');
});

test('after kill -9 of the server it runs again at the same address by itself', async () => {
  const folder = await copyMade();
  const { url } = await start(folder);
  const before = await readPostmaster(folder);
  process.kill(before, 'SIGKILL');
  const ask = () => query(url, 'select answer from kept').catch((error) => error.code);
  await expect.poll(ask, { timeout: 10_000 }).toEqual([{ answer: 42 }]);
  expect(await readPostmaster(folder)).not.toBe(before);
});

test('after kill -9 of the holder and the server together the next start recovers', async () => {
  const folder = await copyMade();
  const holder = runChild('hold.ts', folder);
  await query(await holder.line, 'update kept set answer = 43');
  process.kill(await readPostmaster(folder), 'SIGKILL');
  holder.process.kill('SIGKILL');
  const next = await start(folder);
  expect(await query(next.url, 'select answer from kept')).toEqual([{ answer: 43 }]);
});

test('a postmaster.pid whose process id now belongs to another program does not keep the server from starting', async () => {
  const folder = await copyMade();
  // PostgreSQL passes over ids of other users' processes by itself.
  const other = spawn('sleep', ['60'], { ...(await findAccount(join(folder, 'postgres'))) });
  onTestFinished(() => void other.kill());
  const left = [other.pid, `${folder}/postgres`, 0, 5432, '', '127.0.0.1', '', ''];
  await writeFile(join(folder, 'postgres', 'postmaster.pid'), left.join('\n'));
  const { url } = await start(folder);
  expect(await query(url, 'select answer from kept')).toEqual([{ answer: 42 }]);
});

test('a second start on a folder in use is refused with the id of the process that uses it', async () => {
  const folder = await copyMade();
  const { url } = await start(folder);
  const second = runChild('hold.ts', folder);
  expect(await second.line).toBe(
    `Error: The database in ${folder} is in use by process ${process.pid}; set DATABASE_URL or another DATA_DIR.`,
  );
  expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
});

test('a stopped server leaves nothing that keeps the process alive', async () => {
  const holder = runChild('hold.ts', await copyMade());
  await holder.line;
  holder.process.stdin.end();
  expect(await holder.ended).toBe(0);
});

test.skipIf(!asRoot)(
  'as root, a data folder that the server’s user cannot enter is refused in one sentence',
  async () => {
    const closed = join(await makeFolder(), 'closed');
    await mkdir(closed);
    await chmod(closed, 0o700);
    await expect(start(join(closed, 'data'))).rejects.toThrow(
      /cannot enter .*closed.*: set DATA_DIR to a folder it can/,
    );
  },
);

async function copyMade(): Promise<string> {
  const folder = await makeFolder();
  // cp, as root, keeps whose the files are; fs.cp does not.
  await promisify(execFile)('cp', ['-a', `${made}/.`, folder]);
  return folder;
}

async function start(dataDir: string): Promise<{ url: string; stop(): Promise<void> }> {
  const server = await startEmbedded({ dataDir, log });
  onTestFinished(() => server.stop());
  return server;
}

async function query(url: string, text: string): Promise<unknown[]> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    return [...(await sql.unsafe(text))];
  } finally {
    await sql.end({ timeout: 1 });
  }
}

async function readPostmaster(folder: string): Promise<number> {
  return Number((await readFile(join(folder, 'postgres', 'postmaster.pid'), 'utf8')).split('\n')[0]);
}
