import { Gauge, type Registry } from 'prom-client';

/** What there is to do, for all processes on one database. */
export interface Backlog {
  /** Unfinished tasks; `lateSeconds`: how long the oldest of them has been due while no worker had it. */
  tasks: { provider: string; mode: string; status: string; count: number; lateSeconds: number }[];
  /** Workers whose heartbeat is alive. */
  workers: number;
  /** Providers of which anything is known. */
  providers: { provider: string; mode: string; isOpen: boolean }[];
  /** When the first provider's URL of a picture that is not home yet dies, by mode. */
  expiries: { mode: string; at: Date }[];
  /** The age of the oldest event that has no place in the feed yet. */
  feedLagSeconds: number;
}

/** What is read from the database: every process shows the same, so take the maximum over processes, never the sum. */
export function createBacklogMetrics(registry: Registry) {
  const registers = [registry];
  const tasks = new Gauge({
    name: 'darkroom_unfinished_tasks',
    help: 'Tasks that are not finished. From the database: the same in every process.',
    labelNames: ['provider', 'mode', 'status'],
    registers,
  });
  const late = new Gauge({
    name: 'darkroom_task_lateness_seconds',
    help: 'How long the oldest due task of a status has waited for a worker. From the database.',
    labelNames: ['status'],
    registers,
  });
  const workers = new Gauge({
    name: 'darkroom_workers',
    help: 'Worker processes whose heartbeat is alive. From the database.',
    registers,
  });
  const open = new Gauge({
    name: 'darkroom_provider_open',
    help: '1 while a provider is left alone but for what tries it again; 0 once it is well. From the database.',
    labelNames: ['provider', 'mode'],
    registers,
  });
  const expiry = new Gauge({
    name: 'darkroom_image_expiry_timestamp_seconds',
    help: 'When the first provider URL of an image that is not stored yet dies; absent when all are. From the database.',
    labelNames: ['mode'],
    registers,
  });
  const feedLag = new Gauge({
    name: 'darkroom_feed_lag_seconds',
    help: 'Age of the oldest event that has no place in the feed yet. From the database.',
    registers,
  });

  const forget = () => {
    for (const labelled of [tasks, late, open, expiry]) labelled.reset();
    for (const single of [workers, feedLag]) single.remove();
  };
  forget();

  return {
    /** Null: not known. What is not known is not shown; an old number would look like a calm one. */
    show(backlog: Backlog | null): void {
      forget();
      if (!backlog) return;
      for (const { provider, mode, status, count } of backlog.tasks) tasks.set({ provider, mode, status }, count);
      for (const { status, lateSeconds } of worstOf(backlog.tasks)) late.set({ status }, lateSeconds);
      for (const { provider, mode, isOpen } of backlog.providers) open.set({ provider, mode }, isOpen ? 1 : 0);
      for (const { mode, at } of backlog.expiries) expiry.set({ mode }, at.getTime() / 1000);
      workers.set(backlog.workers);
      feedLag.set(backlog.feedLagSeconds);
    },
  };
}

/** One for each status. */
function worstOf(tasks: Backlog['tasks']): { status: string; lateSeconds: number }[] {
  const worst = new Map<string, number>();
  for (const { status, lateSeconds } of tasks) worst.set(status, Math.max(lateSeconds, worst.get(status) ?? 0));
  return [...worst].map(([status, lateSeconds]) => ({ status, lateSeconds }));
}
