import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const EXAMPLES = fileURLToPath(new URL('../../examples/', import.meta.url));

export interface Example {
  /** The lines it has written to stdout so far. */
  lines(): string[];
  /** Its exit code. */
  ended: Promise<number | null>;
  /** What it wrote to stderr. */
  complaints(): string;
}

/** Runs one file of examples/ as a reader would, in a folder of its own if one is given; killed after the test. */
export function runExample(
  file: string,
  args: string[],
  { url, key }: { url: string; key?: string },
  cwd = EXAMPLES,
): Example {
  const command = file.endsWith('.sh') ? 'sh' : process.execPath;
  const loader = file.endsWith('.ts') ? ['--import', import.meta.resolve('tsx')] : [];
  const env = { PATH: process.env.PATH, DARKROOM_URL: `${url}/graphql`, ...(key && { DARKROOM_KEY: key }) };
  const child = spawn(command, [...loader, `${EXAMPLES}${file}`, ...args], {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  const ended = once(child, 'close').then(([code]) => code as number | null);
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return { lines: () => out.split('\n').filter(Boolean), ended, complaints: () => err };
}
