import type { PollReport } from '../../generation/provider.ts';
import { call, type Outcome } from '../call.ts';
import type { Answer } from '../provider.ts';
import { cut } from '../shorten.ts';
import { reportSilence } from '../silence.ts';
import { NOTHING_SAID, type Said, toTrouble } from '../trouble.ts';
import { toCanceled, toFailure } from './failures.ts';
import type { Access } from './submit.ts';
import { parseSaid, parseTask, readUrls, type WireTask } from './wire.ts';

const TIMEOUT_MS = 15_000;
const MAX_ANSWER_BYTES = 1_048_576;

interface Reading {
  report: PollReport;
  /** What was odd about the answer. */
  oddity: string | null;
}

/** Asks about one task (seed 000 §3.2, step 2). */
export async function ask(
  { root, apiKey, connections }: Access,
  id: string,
  signal: AbortSignal,
): Promise<Answer<PollReport>> {
  const { outcome, exchange } = await call({
    method: 'GET',
    url: `${root}/v1/tasks/${encodeURIComponent(id)}`,
    headers: { authorization: `Bearer ${apiKey}` },
    timeoutMs: TIMEOUT_MS,
    signal,
    connections,
    maxBytes: MAX_ANSWER_BYTES,
    secrets: [apiKey],
  });
  const { report, oddity } = read(outcome);
  return { report, exchange: { ...exchange, error: exchange.error ?? oddity } };
}

function read(outcome: Outcome): Reading {
  if (outcome.kind !== 'ANSWERED') return plain(reportSilence('GPTImage2', outcome, NOTHING_SAID));

  const said = parseSaid(outcome.body);
  if (isUnknownTask(outcome.status, said)) {
    const message = 'GPTImage2 does not know this task, or no longer.';
    return plain({ kind: 'MISSING', failure: toTrouble('PROVIDER_LOST', 'UNKNOWN', true, message, said) });
  }

  const isSuccess = outcome.status >= 200 && outcome.status < 300;
  const task = isSuccess ? parseTask(outcome.body) : null;
  if (task) return readTask(task, said);
  const oddity = isSuccess ? 'the answer states no status' : null;
  return { report: reportSilence('GPTImage2', outcome, said), oddity };
}

/** providers.md §1.2 and §7: an unknown word means that it is still running. */
function readTask(task: WireTask, said: Said): Reading {
  const running = (percent: number | null): PollReport => ({ kind: 'RUNNING', percent, etaSeconds: null });

  switch (task.status.toLowerCase()) {
    case 'pending':
      return plain({ kind: 'PENDING', etaSeconds: null });
    case 'processing':
      return plain(running(toPercent(task.progress)));
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
      return { report: running(toPercent(task.progress)), oddity: `unknown status "${cut(task.status, 100)}"` };
  }
}

/**
 * 404 `Task not found or expired`, 400 `invalid_task_id` (providers.md §1.3), in the provider's own words: the page of a
 * proxy in front of it says nothing about the task.
 */
function isUnknownTask(status: number, { code, message }: Said): boolean {
  if (status === 404) return code !== null || message !== null;
  return status === 400 && code === 'invalid_task_id';
}

function toPercent(progress: number | null): number | null {
  return progress === null ? null : Math.min(Math.max(progress, 0), 100);
}

function plain(report: PollReport): Reading {
  return { report, oddity: null };
}
