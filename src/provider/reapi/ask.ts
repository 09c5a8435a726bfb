import type { PollReport } from '../../generation/provider-report.ts';
import { type Access, askAbout } from '../access.ts';
import type { Answer } from '../provider.ts';
import { readAsked } from '../read-asked.ts';
import { plain, type Reading, toAnswer } from '../reading.ts';
import { cut } from '../shorten.ts';
import type { Said } from '../trouble.ts';
import { toFailure } from './failures.ts';
import { parseSaid, parseTask, readUrls } from './wire.ts';

/** Asks about one task, which costs nothing (seed 002). */
export async function ask(access: Access, id: string, signal: AbortSignal): Promise<Answer<PollReport>> {
  const { outcome, exchange } = await askAbout(access, `/api/v1/tasks/${encodeURIComponent(id)}`, signal);
  return toAnswer(readAsked(outcome, { provider: 'reAPI', parseSaid, readTask }), exchange);
}

const RUNNING: PollReport = { kind: 'RUNNING', percent: null, etaSeconds: null };

/** Three states and no more (providers.md §4.2); an unknown word means that it is still running. */
function readTask(body: unknown, said: Said): Reading | null {
  const task = parseTask(body);
  if (!task) return null;
  switch (task.status.toLowerCase()) {
    case 'processing':
      return plain(RUNNING);
    case 'completed': {
      const images = readUrls(task).map((url) => ({ url, seed: null }));
      // A result may lag its status; the task's deadline ends the wait.
      if (images.length === 0) return { report: RUNNING, oddity: 'completed without a usable result URL' };
      return plain({ kind: 'FINISHED', images, credits: null });
    }
    case 'failed':
      return plain({ kind: 'FAILED', failure: toFailure(said) });
    default:
      return { report: RUNNING, oddity: `unknown status "${cut(task.status, 100)}"` };
  }
}
