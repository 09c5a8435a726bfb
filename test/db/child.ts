import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface Child {
  process: ChildProcessWithoutNullStreams;
  /** The first line it prints. */
  line: Promise<string>;
  /** Its exit code, or the signal that ended it. */
  ended: Promise<number | string>;
}

/** Runs a script of ./fixtures in a process of its own. */
export function runChild(script: string, ...args: string[]): Child {
  const file = fileURLToPath(new URL(`./fixtures/${script}`, import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', file, ...args]);
  let errors = '';
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  const line = once(createInterface({ input: child.stdout }), 'line').then(([first]) => String(first));
  const ended = once(child, 'close').then(([code, signal]) => code ?? signal);
  const silent = ended.then((code) => {
    throw new Error(`${script} ended (${code}) without a word: ${errors}`);
  });
  const first = Promise.race([line, silent]);
  // Not every test waits for a line.
  first.catch(() => {});
  return { process: child, line: first, ended };
}
