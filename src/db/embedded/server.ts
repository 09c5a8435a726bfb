import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Logger } from '../../logger.ts';
import { within } from '../within.ts';
import type { Account } from './account.ts';

/** What one run of the server needs to know. */
export interface Launch {
  postgres: string;
  cluster: string;
  port: number;
  account: Account;
  log: Logger;
}

/** One running postmaster. */
export interface Server {
  exited: Promise<void>;
  /** Fast shutdown; ends the server the hard way when that takes longer than 10 s. */
  stop(): Promise<void>;
}

/** The server ended before it took connections; the message holds its last lines. */
export class StartError extends Error {}

/**
 * Ties the server to us by its standard input: end of file (we are gone, however we went) makes the watcher send SIGINT,
 * a fast shutdown; a line means the server is gone already. The shell becomes the postmaster, so its id is the child's.
 */
const TIE = 'exec 3<&0 </dev/null; ((read _ <&3 || kill -INT $$) >/dev/null 2>&1 &); exec "$@" 3<&-';

/** Starts the server and waits until it takes connections. */
export async function startServer({ postgres, cluster, port, account, log }: Launch): Promise<Server> {
  const settings = [
    `port=${port}`,
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'timezone=UTC',
    'log_line_prefix=',
  ];
  const args = ['-c', TIE, 'sh', postgres, '-D', cluster, ...settings.flatMap((setting) => ['-c', setting])];
  const child = spawn('/bin/sh', args, {
    ...account,
    cwd: cluster,
    env: { LC_ALL: 'C', PATH: '/usr/bin:/bin' },
    stdio: ['pipe', 'ignore', 'pipe'],
    // Its own session: Ctrl-C in the terminal is for the application, which stops the server last.
    detached: true,
  });
  child.stdin?.on('error', () => {});
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => {
      child.stdin?.end('gone\n');
      resolve();
    });
  });
  await isReady(child, log);
  return { exited, stop: () => stop(child, exited) };
}

async function isReady(child: ChildProcess, log: Logger): Promise<void> {
  const lines = createInterface({ input: child.stderr as NodeJS.ReadableStream });
  const last: string[] = [];
  await new Promise<void>((resolve, reject) => {
    lines.on('line', (line) => {
      log.debug({ postgres: line }, 'postgres');
      last.push(line);
      if (last.length > 10) last.shift();
      if (line.includes('database system is ready to accept connections')) resolve();
    });
    lines.on('close', () => reject(new StartError(`PostgreSQL did not start: ${last.join(' | ')}`)));
    child.on('error', reject);
  });
}

async function stop(child: ChildProcess, exited: Promise<void>): Promise<void> {
  const signals: [NodeJS.Signals, number][] = [
    ['SIGINT', 10_000],
    ['SIGQUIT', 5_000],
    ['SIGKILL', 5_000],
  ];
  for (const [signal, patience] of signals) {
    child.kill(signal);
    if (await within(patience, exited)) return;
  }
}
