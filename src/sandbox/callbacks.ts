import { setMaxListeners } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { Agent, request } from 'undici';
import type { OutgoingCall } from './dialect.ts';
import type { Log } from './log.ts';
import { getEnd, getNow, type Task } from './task.ts';

/** Tells callers that their tasks have ended. */
export interface Callbacks {
  /** Does nothing for a task without a callback or one that never ends. */
  schedule(task: Task, origin: string): void;
  /** Schedules those of an earlier process that have not ended yet. SIM: what ended in between is not called again. */
  resume(tasks: readonly Task[], origin: string): void;
  stop(): Promise<void>;
}

const TIMEOUT_MS = 10_000;
const PAUSES_MS = [1000, 2000, 4000];

export function createCallbacks(callsOf: (task: Task, origin: string) => OutgoingCall[], log: Log): Callbacks {
  const stopping = new AbortController();
  // One for each call that waits for its time.
  setMaxListeners(0, stopping.signal);
  const running = new Set<Promise<void>>();

  async function call(url: string, task: Task, origin: string, end: number): Promise<void> {
    // A timer may ring a moment early, when the task would still be said to run.
    do await wait(Math.max(1, Math.ceil(end - getNow())), undefined, { signal: stopping.signal });
    while (getNow() <= end);
    const times = task.directives.has('double-callback') ? 2 : 1;
    for (let time = 0; time < times; time++) {
      for (const outgoing of callsOf(task, origin)) {
        const delivered = await deliver(url, outgoing, stopping.signal);
        if (!delivered) log.warn({ taskId: task.id, provider: task.provider }, 'sandbox: nobody took the callback');
      }
    }
  }

  function schedule(task: Task, origin: string): void {
    const end = getEnd(task);
    if (task.callbackUrl === null || end === null || task.directives.has('no-callback')) return;
    const work = call(task.callbackUrl, task, origin, end)
      .catch((error: unknown) => {
        if (!stopping.signal.aborted) log.warn({ err: error }, 'sandbox: a callback broke');
      })
      .finally(() => running.delete(work));
    running.add(work);
  }

  return {
    schedule,
    resume(tasks, origin) {
      const now = getNow();
      for (const task of tasks) {
        if ((getEnd(task) ?? 0) > now) schedule(task, origin);
      }
    },
    async stop() {
      stopping.abort();
      await Promise.all(running);
    },
  };
}

async function deliver(url: string, { body, sign }: OutgoingCall, stopping: AbortSignal): Promise<boolean> {
  const raw = JSON.stringify(body);
  const headers = { 'content-type': 'application/json', ...sign?.(raw) };
  for (const pause of [...PAUSES_MS, null]) {
    if (await post(url, raw, headers, stopping)) return true;
    if (pause !== null) await wait(pause, undefined, { signal: stopping });
  }
  return false;
}

async function post(
  url: string,
  body: string,
  headers: Record<string, string>,
  stopping: AbortSignal,
): Promise<boolean> {
  // SIM: a certificate is not checked on loopback, where nobody could get a real one.
  const agent = new Agent({ connect: { rejectUnauthorized: !isLoopback(new URL(url).hostname) } });
  const signal = AbortSignal.any([stopping, AbortSignal.timeout(TIMEOUT_MS)]);
  try {
    const answer = await request(url, {
      method: 'POST',
      body,
      headers,
      dispatcher: agent,
      signal,
    });
    await answer.body.dump();
    return answer.statusCode >= 200 && answer.statusCode < 300;
  } catch {
    return false;
  } finally {
    await agent.destroy();
  }
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || host.startsWith('127.');
}
