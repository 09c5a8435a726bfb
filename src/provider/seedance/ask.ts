import type { PollReport } from '../../generation/provider-report.ts';
import { type Access, askAbout } from '../access.ts';
import type { Outcome } from '../call.ts';
import { note } from '../note.ts';
import type { Answer } from '../provider.ts';
import { readAsked } from '../read-asked.ts';
import { plain, type Reading } from '../reading.ts';
import { cut } from '../shorten.ts';
import { toFailure } from './failures.ts';
import { parseBatched } from './task-id.ts';
import { findResult, findUrl, parseBatch, parseSaid, parseTask, type WireBatch, type WireTask } from './wire.ts';

/** Asks about tasks: about all of one batch by one question, about each of the others by its own. */
export async function ask(access: Access, ids: readonly string[], signal: AbortSignal): Promise<Answer<PollReport>[]> {
  const questions = new Map<string, string[]>();
  for (const id of ids) {
    const path = toPath(id);
    questions.set(path, [...(questions.get(path) ?? []), id]);
  }
  const answers = new Map<string, Answer<PollReport>>();
  const askOne = async ([path, together]: [string, string[]]) => {
    const { outcome, exchange } = await askAbout(access, `/v1/images/${path}`, signal);
    const readings = together.map((id) => ({ id, ...read(outcome, id) }));
    const oddity = readings.find((each) => each.oddity !== null)?.oddity ?? null;
    // One for all of them: it was one request.
    const recorded = note(exchange, oddity);
    for (const { id, report } of readings) answers.set(id, { report, exchange: recorded });
  };
  await Promise.all([...questions].map(askOne));
  return ids.flatMap((id) => answers.get(id) ?? []);
}

function toPath(id: string): string {
  const batched = parseBatched(id);
  return batched ? `batch/${encodeURIComponent(batched.batchId)}` : encodeURIComponent(id);
}

/** No source says how an unknown id is answered. */
function read(outcome: Outcome, id: string): Reading {
  return readAsked(outcome, { provider: 'Seedance', parseSaid, readTask: (body) => readOne(body, id) });
}

/** Whether results of a batch come before its end, no source says: either way is fine. */
function readOne(body: unknown, id: string): Reading | null {
  const batched = parseBatched(id);
  const batch = batched && parseBatch(body);
  const task = batch ? findResult(batch, batched.place) : parseTask(batched ? null : body);
  if (task) return readTask(task);
  return batch && readWhole(batch);
}

function readWhole({ status, error }: WireBatch): Reading | null {
  if (status === null) return null;
  if (status.toLowerCase() === 'failed') return plain({ kind: 'FAILED', failure: toFailure(parseSaid({ error })) });
  // A result may lag; the task's deadline ends the wait.
  const oddity = status.toLowerCase() === 'completed' ? 'completed without a result for this task' : null;
  return { report: running(null, null), oddity };
}

/** providers.md §6.2 and §7: an unknown word means that it is still running. */
function readTask(task: WireTask): Reading {
  const { status, progress, estimated_time_remaining: eta, credits_charged: credits } = task;
  switch (status.toLowerCase()) {
    case 'processing':
      return plain(running(toPercent(progress), eta));
    case 'completed': {
      const url = findUrl(task);
      if (url) return plain({ kind: 'FINISHED', images: [{ url, seed: null }], credits });
      return { report: running(null, null), oddity: 'completed without a usable image_url' };
    }
    case 'failed':
      return plain({ kind: 'FAILED', failure: toFailure(parseSaid(task)) });
    default:
      return { report: running(toPercent(progress), eta), oddity: `unknown status "${cut(status, 100)}"` };
  }
}

/** Of a `progress` from 0 to 1. */
function toPercent(progress: number | null): number | null {
  return progress === null ? null : Math.min(Math.max(Math.round(progress * 10_000) / 100, 0), 100);
}

function running(percent: number | null, etaSeconds: number | null): PollReport {
  return { kind: 'RUNNING', percent, etaSeconds };
}
