import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Arm } from './process.ts';

/** The place of one process, which is filled again whenever it is empty. */
export interface Slot {
  readonly role: 'api' | 'worker' | 'all';
  /** Of the process that is there, once it is ready. */
  readonly url: string | null;
  tell(arm: Arm): void;
  /** Kills what is there with SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** Stops what is there for a while. */
  freeze(ms: number): Promise<void>;
  stop(): Promise<void>;
}

export interface SlotOptions {
  role: Slot['role'];
  /** Of its log. */
  name: string;
  script: string;
  /** Where its processes log. */
  folder: string;
  env: Record<string, string>;
  /** What each new process is told. */
  arms: () => Arm[];
  onReached: (point: string) => void;
  /** Takes down each end that nobody had asked for, with what was said last. */
  accidents: string[];
}

/** What sentences.ts gives for what is no fault of the service. */
const CANNOT_START = 2;
const AFTER_A_FAILED_START_MS = 200;

export function createSlot({ role, name, script, folder, env, arms, onReached, accidents }: SlotOptions): Slot {
  const log = openSync(join(folder, `${name}.log`), 'a');
  let child: ChildProcess;
  let url: string | null = null;
  let stopping = false;
  /** Whether the end of the process was asked for. */
  let asked = false;

  async function run(): Promise<void> {
    while (!stopping) {
      const { wasReady, code, said } = await runOnce();
      const point = /^reached (.+)$/m.exec(said)?.[1];
      if (point) onReached(point);
      if (point || asked) continue;
      // A start that finds no database says so and leaves the rest to whoever started it.
      const isRefusal = !wasReady && code === CANNOT_START;
      if (!isRefusal) accidents.push(`${name} ended by itself (${code}): ${said.slice(0, 800)}`);
      await sleep(AFTER_A_FAILED_START_MS);
    }
    closeSync(log);
  }

  async function runOnce(): Promise<{ wasReady: boolean; code: number | string; said: string }> {
    asked = false;
    child = spawn(process.execPath, [script], {
      // A .env file of the checkout is none of our business.
      cwd: dirname(script),
      env: { PATH: process.env.PATH, ...env, ROLE: role },
      stdio: ['ignore', log, 'pipe', 'ipc'],
    });
    let said = '';
    child.stderr?.on('data', (text) => {
      said += text;
    });
    child.once('message', (ready: { url: string }) => {
      url = ready.url;
    });
    for (const arm of arms()) tell(arm);
    const [code, signal] = await once(child, 'close');
    const wasReady = url !== null;
    url = null;
    return { wasReady, code: code ?? signal, said };
  }

  function tell(arm: Arm): void {
    // It may be dead, which nobody has noticed yet.
    if (child.connected) child.send(arm, () => {});
  }

  const running = run();
  return {
    role,
    get url() {
      return url;
    },
    tell,
    async kill() {
      asked = true;
      const gone = once(child, 'close');
      if (child.kill('SIGKILL')) await gone;
    },
    async freeze(ms) {
      const frozen = child;
      frozen.kill('SIGSTOP');
      await sleep(ms);
      frozen.kill('SIGCONT');
    },
    async stop() {
      stopping = true;
      asked = true;
      child.kill('SIGKILL');
      await running;
    },
  };
}
