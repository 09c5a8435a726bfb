import type { Domain } from '../generation/domain.ts';
import { putTasksBack } from '../generation/lease.ts';
import { recordReports } from '../generation/record.ts';
import type { Task } from '../generation/types.ts';
import type { Provider } from '../provider/provider.ts';
import type { Permission } from './breaker.ts';
import type { Busy } from './busy.ts';
import { delayTasks } from './delay.ts';
import type { Stop } from './mark.ts';

/** What must not leave: those of a batch that still may, and all for which there was no turn, are due again. */
export async function giveBack(
  domain: Domain,
  busy: Busy,
  provider: Provider,
  tasks: readonly Task[],
  stop: Stop,
): Promise<void> {
  switch (stop.kind) {
    case 'NO_TURN':
      // Until then nothing of it is claimed here, so they may stay as due as they are.
      busy.mark(provider, stop.waitMs);
      return putTasksBack(domain, tasks);
    case 'LOST': {
      const others = tasks.filter(({ id }) => !stop.taskIds.includes(id));
      return delayTasks(domain, others, { delayMs: 0, blameless: true });
    }
    case 'TAKEN_BACK':
      return;
  }
}

/** Their provider is left alone just now: each goes to another where its caller allows that, or waits. */
export async function turnAway(
  domain: Domain,
  tasks: readonly Task[],
  { failure, seenAt, delayMs }: Extract<Permission, { ok: false }>,
): Promise<void> {
  await recordReports(
    domain,
    tasks.map(({ id: taskId, leaseToken: token, generationId }) => {
      return { generationId, report: { kind: 'TURNED_AWAY', taskId, token, failure, seenAt, delayMs } };
    }),
  );
}
