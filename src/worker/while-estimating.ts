import type { Domain } from '../generation/domain.ts';
import { recordReports } from '../generation/record.ts';
import type { Task } from '../generation/types.ts';
import type { Provider } from '../provider/provider.ts';
import { estimatePercent } from './estimate.ts';

/** While a synchronous provider works, nobody can ask it how far it is: its history says how far it should be. */
export async function whileEstimating<T>(
  domain: Domain,
  { slug, mode, pollSchedule }: Provider,
  { id: taskId, generationId }: Task,
  submissionId: string,
  work: () => Promise<T>,
): Promise<T> {
  const began = performance.now();
  const timer = setInterval(() => {
    const percent = estimatePercent(performance.now() - began, domain.standingOf?.(slug, mode));
    if (percent === null) return;
    const report = { kind: 'ESTIMATED' as const, taskId, submissionId, percent };
    recordReports(domain, [{ generationId, report }]).catch((error: unknown) =>
      domain.log.warn({ err: error, task: taskId }, 'an estimate could not be stored'),
    );
  }, pollSchedule.fastMs);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
