import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';

/** What the provider charged for one job. */
export interface Job {
  taskId: string;
  prompt: string;
  images: number;
  refunded: boolean;
}

/** The provider simulator, in a process of its own. */
export interface ProviderProcess {
  url: string;
  /** Every job it ever accepted, whether or not its answer arrived. */
  listJobs(): Promise<Job[]>;
  stop(): Promise<void>;
}

export async function startProvider(script: string, folder: string): Promise<ProviderProcess> {
  const dataDir = join(folder, 'provider');
  await mkdir(dataDir);
  const child = spawn(process.execPath, [script], {
    cwd: dirname(script),
    env: { PATH: process.env.PATH, SANDBOX_PORT: '0', DATA_DIR: dataDir },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const ended = once(child, 'close');
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stderr as NodeJS.ReadableStream }).on('line', (line) => {
      const ready = /ready: (http\S+)/.exec(line)?.[1];
      if (ready) resolve(ready);
    });
    void ended.then(() => reject(new Error('the provider ended before it was ready')));
  });
  return {
    url,
    listJobs: async () => (await (await fetch(`${url}/_billing`)).json()) as Job[],
    async stop() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
