import { setTimeout as sleep } from 'node:timers/promises';
import { forgetReusedPid } from './reused-pid.ts';
import { type Launch, type Server, StartError, startServer } from './server.ts';

/** How long a start is retried: after a kill -9 the old server still shuts down, or its children still end. */
const PATIENCE_MS = 10_000;
const RETRY_MS = 100;

/** What a start says while something of the previous server is still there. */
const STILL_THERE = /lock file .* already exists|shared memory block .* still in use|Address already in use/;

/** Starts the server and starts it again, on the same port, whenever it ends before `stop`. */
export async function supervise(launch: Launch): Promise<{ stop(): Promise<void> }> {
  const stopping = new AbortController();
  let server = await startPatiently(launch, stopping.signal);
  const run = keepRunning();

  async function keepRunning(): Promise<void> {
    for (;;) {
      await server.exited;
      if (stopping.signal.aborted) return;
      launch.log.error('PostgreSQL ended on its own; starting it again');
      const next = await restart(launch, stopping.signal);
      if (!next) return;
      server = next;
      launch.log.info('PostgreSQL runs again');
    }
  }

  return {
    async stop() {
      stopping.abort();
      await server.stop();
      await run;
    },
  };
}

/** Tries for as long as it takes; null once `stop` was called, with nothing left running. */
async function restart(launch: Launch, stopping: AbortSignal): Promise<Server | null> {
  while (!stopping.aborted) {
    try {
      const server = await startPatiently(launch, stopping);
      if (!stopping.aborted) return server;
      await server.stop();
    } catch (error) {
      if (stopping.aborted) break;
      launch.log.error({ err: error }, 'PostgreSQL could not be started again');
      await sleep(1000, undefined, { signal: stopping }).catch(() => {});
    }
  }
  return null;
}

async function startPatiently(launch: Launch, stopping: AbortSignal): Promise<Server> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      await forgetReusedPid(launch.cluster);
      return await startServer(launch);
    } catch (error) {
      const worthwhile = error instanceof StartError && STILL_THERE.test(error.message);
      if (!worthwhile || stopping.aborted || performance.now() > deadline) throw error;
      await sleep(RETRY_MS);
    }
  }
}
