import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, Gauge, type Registry } from 'prom-client';

const RESOLUTION_MS = 10;

/** What the process itself is doing. */
export function createProcessMetrics(registry: Registry, { version, role }: { version: string; role: string }) {
  const registers = [registry];
  const build = new Gauge({
    name: 'darkroom_build_info',
    help: 'Always 1: the version, the role and the Node.js version of this process.',
    labelNames: ['version', 'role', 'node'],
    registers,
  });
  build.set({ version, role, node: process.versions.node }, 1);

  const ready = new Gauge({
    name: 'darkroom_ready',
    help: '1 while /readyz would say 200: the database answers, its schema is current, and the process is not draining.',
    registers,
  });

  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  new Gauge({
    name: 'darkroom_event_loop_delay_seconds',
    help: 'By how much the event loop was late since the last scrape, at the 99th percentile.',
    registers,
    collect() {
      // Node measures from timer to timer, so an idle loop shows the resolution.
      const p99 = delay.count === 0 ? 0 : delay.percentile(99) / 1e9 - RESOLUTION_MS / 1e3;
      this.set(Math.max(0, p99));
      delay.reset();
    },
  });

  new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Memory of the process, as the operating system counts it.',
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });

  new Counter({
    name: 'process_cpu_seconds_total',
    help: 'CPU time of the process, user and system.',
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });

  return {
    setReady: (isReady: boolean) => ready.set(isReady ? 1 : 0),
    stop: () => delay.disable(),
  };
}
