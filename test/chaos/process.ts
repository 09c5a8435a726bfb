import { writeSync } from 'node:fs';
import { startApp } from '../../src/app.ts';
import { readConfig } from '../../src/config/config.ts';
import type { KillPoint } from '../../src/generation/kill-points.ts';
import { createLogger } from '../../src/logger.ts';
import { runCommand } from '../../src/sentences.ts';

/** Where a process is to die: when it reaches the point for the n-th time from now. With 0 it lives on. */
export interface Arm {
  point: KillPoint;
  times: number;
}

/** One process of the service, as main.ts starts it, that dies where it is told to. It tells its address when it is ready. */
const left = new Map<KillPoint, number>();
process.on('message', ({ point, times }: Arm) => left.set(point, times));
// Whoever started this is gone.
process.on('disconnect', () => process.exit());

await runCommand(async () => {
  const { config } = readConfig();
  const { url } = await startApp(config, createLogger(config.LOG_LEVEL), { reach });
  process.send?.({ url });
});
if (process.exitCode) process.disconnect();

function reach(point: KillPoint): void {
  const times = left.get(point) ?? 0;
  left.set(point, times - 1);
  if (times !== 1) return;
  writeSync(2, `reached ${point}\n`);
  process.kill(process.pid, 'SIGKILL');
}
