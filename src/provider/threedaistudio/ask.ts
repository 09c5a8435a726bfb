import type { PollReport } from '../../generation/provider.ts';
import { type Access, askAbout, bodyOf } from '../access.ts';
import type { Outcome } from '../call.ts';
import type { Answer } from '../provider.ts';
import { plain, type Reading, toAnswer } from '../reading.ts';
import { cut } from '../shorten.ts';
import { reportSilence } from '../silence.ts';
import { NOTHING_SAID, type Said, toTrouble } from '../trouble.ts';
import { toCanceled, toFailure } from './failures.ts';
import { parseSaid, parseTask, readUrls, type WireTask } from './wire.ts';

/** Asks about one task (seed 003). */
export async function ask(access: Access, id: string, signal: AbortSignal): Promise<Answer<PollReport>> {
  const path = `/v1/generation-request/${encodeURIComponent(id)}/status/`;
  const { outcome, exchange } = await askAbout(access, path, signal);
  return toAnswer(read(outcome), exchange);
}

function read(outcome: Outcome): Reading {
  if (outcome.kind !== 'ANSWERED') return plain(reportSilence('3D AI Studio', outcome, NOTHING_SAID));

  const said = parseSaid(outcome.body);
  // In its own words: the page of a proxy in front of it says nothing about the task.
  if (outcome.status === 404 && (said.code !== null || said.message !== null)) {
    const message = '3D AI Studio does not know this task, or no longer.';
    return plain({ kind: 'MISSING', failure: toTrouble('PROVIDER_LOST', 'UNKNOWN', true, message, said) });
  }
  const success = bodyOf(outcome);
  const task = success && parseTask(success.body);
  if (task) return readTask(task, said);
  const oddity = success ? 'the answer states no status' : null;
  return { report: reportSilence('3D AI Studio', outcome, said), oddity };
}

/** Four states are known, two more are said to mean failure; any other word means still running (providers.md §5.2). */
function readTask(task: WireTask, said: Said): Reading {
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
