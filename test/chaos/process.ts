import { writeSync } from 'node:fs';
import { startApp } from '../../src/app.ts';
import { readConfig } from '../../src/config/config.ts';
import type { KillPoint } from '../../src/generation/kill-points.ts';
import { createLogger } from '../../src/logger.ts';

/** Where the process is to die: when it reaches the point for the n-th time from now. */
export interface Arm {
  point: KillPoint;
  times: number;
}

/** One process of the service, as main.ts starts it, that dies where it is told to. It tells its address when it is ready. */
const arms: Arm[] = [];
process.on('message', (arm: Arm) => arms.push(arm));
// Whoever started this is gone.
process.on('disconnect', () => process.exit(1));

const { config } = readConfig();
const { url } = await startApp(config, createLogger(config.LOG_LEVEL), { reach });
process.send?.({ url });

function reach(point: KillPoint): void {
  for (const arm of arms) {
    if (arm.point !== point) continue;
    arm.times -= 1;
    if (arm.times > 0) continue;
    writeSync(2, `reached ${point}\n`);
    process.kill(process.pid, 'SIGKILL');
  }
}
