import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { buildOnce } from './build.ts';
import { FAST } from './service.ts';

const DIST = fileURLToPath(new URL('../../dist/', import.meta.url));
const READY_WITHIN_MS = 20_000;

export interface Child {
  /** Sends a signal. */
  kill(signal: NodeJS.Signals): void;
  /** Its exit code, or the signal that ended it. */
  ended: Promise<number | NodeJS.Signals>;
  /** All it has written to stderr so far. */
  errors(): string;
}

export interface ChildService extends Child {
  url: string;
  /** The sandbox inside it; empty when it uses another. */
  sandboxUrl: string;
  /** From the start of the process until it said that it was ready. */
  readyMs: number;
}

/** Runs `node dist/main.js` with this environment and no other, killed after the test; resolves when it is ready. */
export async function startChild(env: Record<string, string>): Promise<ChildService> {
  await buildOnce();
  const began = performance.now();
  const { child, spawned } = run('main.js', { ...FAST, ...env });
  const { url, sandbox } = await firstLine(child, spawned.stdout, (line) => {
    const entry: { msg?: string; url: string; sandbox?: string } = JSON.parse(line);
    return entry.msg === 'ready' ? entry : null;
  });
  return { ...child, url, sandboxUrl: sandbox ?? '', readyMs: performance.now() - began };
}

/** Runs it without waiting for anything. */
export async function runChild(env: Record<string, string>): Promise<Child> {
  await buildOnce();
  return run('main.js', { ...FAST, ...env }).child;
}

function run(
  script: string,
  env: Record<string, string>,
): { child: Child; spawned: ChildProcessByStdio<null, Readable, Readable> } {
  const spawned = spawn(process.execPath, [`${DIST}${script}`], {
    // A .env file of the checkout is none of our business.
    cwd: DIST,
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  spawned.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  const ended = once(spawned, 'close').then(([code, signal]) => code ?? signal);
  onTestFinished(async () => {
    spawned.kill('SIGKILL');
    await ended;
  });
  return { spawned, child: { kill: (signal) => void spawned.kill(signal), ended, errors: () => errors } };
}

/** What `find` makes of the first line that it makes anything of. The rest is read too, or the pipe would fill up. */
function firstLine<T>(child: Child, input: Readable, find: (line: string) => T | null): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new Error(`not ready within ${READY_WITHIN_MS} ms: ${child.errors()}`));
    const timer = setTimeout(late, READY_WITHIN_MS);
    createInterface({ input }).on('line', (line) => {
      const found = find(line);
      if (found === null) return;
      clearTimeout(timer);
      resolve(found);
    });
    void child.ended.then((code) => {
      clearTimeout(timer);
      reject(new Error(`ended (${code}) before it was ready: ${child.errors()}`));
    });
  });
}
