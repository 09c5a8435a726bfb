import type { PollReport } from '../../generation/provider-report.ts';
import { type Access, askAbout } from '../access.ts';
import type { Answer } from '../provider.ts';
import { readAsked } from '../read-asked.ts';
import { plain, type Reading, toAnswer } from '../reading.ts';
import { cut } from '../shorten.ts';
import type { Said } from '../trouble.ts';
import { toCanceled, toFailure } from './failures.ts';
import { parseSaid, parseTask, readUrls } from './wire.ts';

/** Asks about one task (seed 000 §3.2, step 2). */
export async function ask(access: Access, id: string, signal: AbortSignal): Promise<Answer<PollReport>> {
  const { outcome, exchange } = await askAbout(access, `/v1/tasks/${encodeURIComponent(id)}`, signal);
  return toAnswer(readAsked(outcome, { provider: 'GPTImage2', parseSaid, readTask, isUnknownTask }), exchange);
}

/** providers.md §1.2 and §7: an unknown word means that it is still running. */
function readTask(body: unknown, said: Said): Reading | null {
  const task = parseTask(body);
  if (!task) return null;
  const running = (percent: number | null): PollReport => ({ kind: 'RUNNING', percent, etaSeconds: null });

  switch (task.status.toLowerCase()) {
    case 'pending':
      return plain({ kind: 'PENDING', etaSeconds: null });
    case 'processing':
      return plain(running(task.progress));
    case 'completed': {
      const images = readUrls(task).map((url) => ({ url, seed: null }));
      // A result may lag its status; the task's deadline ends the wait.
      if (images.length === 0) return { report: running(null), oddity: 'completed without a usable result URL' };
      // What it billed in the end is in no documented field.
      return plain({ kind: 'FINISHED', images, credits: null });
    }
    case 'failed':
      return plain({ kind: 'FAILED', failure: toFailure(said) });
    case 'cancelled':
    case 'canceled':
      return plain({ kind: 'FAILED', failure: toCanceled() });
    default:
      return { report: running(task.progress), oddity: `unknown status "${cut(task.status, 100)}"` };
  }
}

/** Beside 404 `Task not found or expired` (providers.md §1.3). */
function isUnknownTask(status: number, { code }: Said): boolean {
  return status === 400 && code === 'invalid_task_id';
}
