import type { PollReport } from '../../generation/provider.ts';
import { type Access, askAbout, bodyOf } from '../access.ts';
import type { Outcome } from '../call.ts';
import type { Answer } from '../provider.ts';
import { plain, type Reading, toAnswer } from '../reading.ts';
import { cut } from '../shorten.ts';
import { reportSilence } from '../silence.ts';
import { NOTHING_SAID, type Said, toTrouble } from '../trouble.ts';
import { toFailure } from './failures.ts';
import { parseSaid, parseTask, readUrls, type WireTask } from './wire.ts';

/** Asks about one task, which costs nothing (seed 002). */
export async function ask(access: Access, id: string, signal: AbortSignal): Promise<Answer<PollReport>> {
  const { outcome, exchange } = await askAbout(access, `/api/v1/tasks/${encodeURIComponent(id)}`, signal);
  return toAnswer(read(outcome), exchange);
}

const RUNNING: PollReport = { kind: 'RUNNING', percent: null, etaSeconds: null };

function read(outcome: Outcome): Reading {
  if (outcome.kind !== 'ANSWERED') return plain(reportSilence('reAPI', outcome, NOTHING_SAID));

  const said = parseSaid(outcome.body);
  // In its own words: the page of a proxy in front of it says nothing about the task.
  if (outcome.status === 404 && (said.code !== null || said.message !== null)) {
    const message = 'reAPI does not know this task, or no longer.';
    return plain({ kind: 'MISSING', failure: toTrouble('PROVIDER_LOST', 'UNKNOWN', true, message, said) });
  }
  const success = bodyOf(outcome);
  const task = success && parseTask(success.body);
  if (task) return readTask(task, said);
  return { report: reportSilence('reAPI', outcome, said), oddity: success ? 'the answer states no status' : null };
}

/** Three states and no more (providers.md §4.2); an unknown word means that it is still running. */
function readTask(task: WireTask, said: Said): Reading {
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
