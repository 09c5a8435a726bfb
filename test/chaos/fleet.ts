import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../service/until.ts';
import type { Arm } from './process.ts';

export type Role = 'api' | 'worker' | 'all';

/** The place of one process, that is filled again whenever it dies. */
export interface Slot {
  readonly role: Role;
  /** Of the process that is there now, once it is ready. */
  readonly url: string | null;
  /** Kills what is there with SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** Ends whatever process is there at the point; resolves when that has happened. */
  arm(arm: Arm): Promise<void>;
  /** Takes back what has not happened yet; the process that is there may still do it. */
  disarm(): Arm[];
  /** Stops the process that is there for a while. */
  freeze(ms: number): Promise<void>;
}

export interface Fleet {
  slots: readonly Slot[];
  of(role: Role): Slot[];
  isReady(): boolean;
  /** Ends that nobody had asked for: what was said last. */
  accidents: string[];
  stop(): Promise<void>;
}

export interface FleetOptions {
  /** Where the scripts are. */
  dist: string;
  /** Where the processes log. */
  folder: string;
  env: Record<string, string>;
  roles: readonly Role[];
}

const READY_WITHIN_MS = 30_000;
const AFTER_A_FAILED_START_MS = 200;

/** Starts one process for each role, and another whenever one has ended. */
export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const accidents: string[] = [];
  const slots = options.roles.map((role, i) => createSlot(options, role, `${role}-${i}`, accidents));
  const isReady = () => slots.every(({ url }) => url !== null);
  const stop = async () => void (await Promise.all(slots.map((slot) => slot.stop())));
  try {
    await until(isReady, Boolean, READY_WITHIN_MS);
  } catch (error) {
    await stop();
    throw new Error(`not all processes were ready: ${accidents.join(' | ')}`, { cause: error });
  }
  return { slots, of: (role) => slots.filter((slot) => slot.role === role), isReady, accidents, stop };
}

function createSlot(options: FleetOptions, role: Role, name: string, accidents: string[]) {
  const { dist, folder, env } = options;
  const log = openSync(join(folder, `${name}.log`), 'a');
  let arms: { arm: Arm; reached: () => void }[] = [];
  let child: ChildProcess;
  let url: string | null = null;
  let stopping = false;
  /** Whether its end was asked for. */
  let asked = false;

  async function run(): Promise<void> {
    while (!stopping) {
      asked = false;
      child = start();
      for (const { arm } of arms) child.send(arm);
      let said = '';
      child.stderr?.on('data', (text) => {
        said += text;
      });
      child.once('message', (ready: { url: string }) => {
        url = ready.url;
      });
      const [code, signal] = await once(child, 'close');
      const wasReady = url !== null;
      url = null;
      const point = /^reached (.+)$/m.exec(said)?.[1];
      const reached = arms.find(({ arm }) => arm.point === point);
      if (reached) {
        arms = arms.filter((each) => each !== reached);
        reached.reached();
      } else if (!asked && point === undefined) {
        accidents.push(`${name} ended by itself ${wasReady ? 'while it ran' : 'while it started'} (${code ?? signal}): ${said.slice(-600)}`);
      }
      if (!wasReady && !asked) await sleep(AFTER_A_FAILED_START_MS);
    }
  }

  function start(): ChildProcess {
    return spawn(process.execPath, [join(dist, 'chaos-process.js')], {
      // A .env file of the checkout is none of our business.
      cwd: dist,
      env: { PATH: process.env.PATH, ...env, ROLE: role },
      stdio: ['ignore', log, 'pipe', 'ipc'],
    });
  }

  const running = run();
  return {
    role,
    get url() {
      return url;
    },
    async kill() {
      asked = true;
      const gone = once(child, 'close');
      if (child.kill('SIGKILL')) await gone;
    },
    arm(arm: Arm): Promise<void> {
      if (child.connected) child.send(arm);
      return new Promise((reached) => arms.push({ arm, reached }));
    },
    disarm() {
      const left = arms.map(({ arm }) => arm);
      arms = [];
      return left;
    },
    async freeze(ms: number) {
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
