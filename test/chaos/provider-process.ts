import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { until } from '../service/until.ts';

/** What a provider charged for one job. */
export interface Job {
  provider: string;
  taskId: string;
  prompt: string;
  images: number;
  refunded: boolean;
}

/** The simulator of all providers, in a process of its own. */
export interface ProviderProcess {
  url: string;
  /** Every job it ever accepted, whether or not its answer arrived. */
  listJobs(): Promise<Job[]>;
  /** The ids of the jobs of a batch, in the order of their places, when all have ended. */
  listBatch(batchId: string): Promise<string[]>;
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
    async listBatch(batchId) {
      const { results } = await until(
        () => askBatch(url, batchId),
        ({ status }) => status === 'completed',
      );
      return results.sort((one, other) => one.index - other.index).map(({ task_id }) => task_id);
    },
    async stop() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

interface Batch {
  status: string;
  results: { index: number; task_id: string }[];
}

async function askBatch(url: string, batchId: string): Promise<Batch> {
  const headers = { authorization: 'Bearer sandbox-of-the-campaign' };
  const response = await fetch(`${url}/seedance/v1/images/batch/${encodeURIComponent(batchId)}`, { headers });
  return (await response.json()) as Batch;
}
