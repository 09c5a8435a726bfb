import type { PollReport } from '../../generation/provider-report.ts';
import { type Access, askAbout } from '../access.ts';
import type { Answer } from '../provider.ts';
import { readAsked } from '../read-asked.ts';
import { plain, type Reading, toAnswer } from '../reading.ts';
import { cut } from '../shorten.ts';
import type { Said } from '../trouble.ts';
import { toCanceled, toFailure } from './failures.ts';
import { parseSaid, parseTask, readUrls } from './wire.ts';

/** Asks about one task (seed 003). */
export async function ask(access: Access, id: string, signal: AbortSignal): Promise<Answer<PollReport>> {
  const path = `/v1/generation-request/${encodeURIComponent(id)}/status/`;
  const { outcome, exchange } = await askAbout(access, path, signal);
  return toAnswer(readAsked(outcome, { provider: '3D AI Studio', parseSaid, readTask }), exchange);
}

/** Four states are known, two more are said to mean failure; any other word means still running (providers.md §5.2). */
function readTask(body: unknown, said: Said): Reading | null {
  const task = parseTask(body);
  if (!task) return null;
  const running = (percent: number | null) => ({ kind: 'RUNNING' as const, percent, etaSeconds: null });
  switch (task.status.toUpperCase()) {
    case 'PENDING':
      return plain({ kind: 'PENDING', etaSeconds: null });
    case 'IN_PROGRESS':
      return plain(running(task.progress));
    case 'FINISHED': {
      const urls = readUrls(task);
      const images = urls.flatMap((url) => (url === null ? [] : [{ url, seed: null }]));
      // It is said before the files are there; the task's deadline ends the wait.
      const isThere = images.length > 0 && images.length === urls.length;
      if (!isThere)
        return {
          report: { ...running(null), ...(images.length > 0 && { images }) },
          oddity: 'FINISHED before its assets were there',
        };
      return plain({ kind: 'FINISHED', images, credits: null });
    }
    case 'FAILED':
    case 'ERROR':
      return plain({ kind: 'FAILED', failure: toFailure(said) });
    case 'CANCELLED':
    case 'CANCELED':
      return plain({ kind: 'FAILED', failure: toCanceled() });
    default:
      return { report: running(task.progress), oddity: `unknown status "${cut(task.status, 100)}"` };
  }
}
