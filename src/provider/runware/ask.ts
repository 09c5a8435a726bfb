import type { PollReport } from '../../generation/provider-report.ts';
import { type Access, askAbout, bodyOf } from '../access.ts';
import type { Outcome } from '../call.ts';
import { note } from '../note.ts';
import type { Answer } from '../provider.ts';
import { plain, type Reading } from '../reading.ts';
import { reportSilence } from '../silence.ts';
import { NOTHING_SAID } from '../trouble.ts';
import { findIn, readOutcome, readSaid } from './answer.ts';
import { toHindrance } from './failures.ts';
import { isFinished, readTask } from './task.ts';
import { parseDetails, toSaid } from './wire.ts';

/** Asks about many tasks in one request (providers.md §3.3); their answers share its exchange. */
export async function ask(access: Access, ids: readonly string[], signal: AbortSignal): Promise<Answer<PollReport>[]> {
  const { outcome, exchange } = await question(access, 'getResponse', ids, signal);
  const readings = new Map(ids.map((id) => [id, read(outcome, id)]));
  const shared = note(exchange, findOddity(readings.values()));
  const archived = await askArchive(
    access,
    ids.filter((id) => !readings.get(id)),
    signal,
  );
  return ids.map((id) => {
    const report = readings.get(id)?.report;
    return report ? { report, exchange: shared } : (archived.get(id) ?? { report: PENDING, exchange: shared });
  });
}

const PENDING: PollReport = { kind: 'PENDING', etaSeconds: null };

function question(access: Access, taskType: string, ids: readonly string[], signal: AbortSignal) {
  const tasks = [...new Set(ids)].map((taskUUID) => ({ taskType, taskUUID }));
  return askAbout(access, '/v1', signal, tasks);
}

/** Null where nothing at all is said of it: so a task is answered for that waits, that is unknown, and that is long over. */
function read(outcome: Outcome, id: string): Reading | null {
  const answer = readOutcome(outcome);
  if (!answer) return plain(reportSilence('Runware', outcome, readSaid(outcome)));
  const found = findIn(answer, id);
  if (found.items.length + found.errors.length > 0) return readTask(found);

  const error = answer.errors.find(({ taskUUID }) => taskUUID === null || taskUUID === id);
  if (!error && bodyOf(outcome)) return null;
  const hindrance = error && toHindrance(error, outcome, 'UNKNOWN');
  if (hindrance) return plain({ kind: 'SILENT', ...hindrance });
  return plain(reportSilence('Runware', outcome, error ? toSaid(error) : NOTHING_SAID));
}

/**
 * How long a finished task is answered for is UNKNOWN; the archive still has what it made. Only images are believed
 * there: its error may be that of a second sending (providers.md §3.3).
 */
async function askArchive(
  access: Access,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, Answer<PollReport>>> {
  if (ids.length === 0) return new Map();
  const { outcome, exchange } = await question(access, 'getTaskDetails', ids, signal);
  const answers = ids.flatMap((id): [string, Answer<PollReport>][] => {
    const answer = parseDetails(bodyOf(outcome)?.body, id)?.answer;
    const found = answer && findIn(answer, id);
    return found && isFinished(found) ? [[id, { report: readTask(found).report, exchange }]] : [];
  });
  return new Map(answers);
}

function findOddity(readings: Iterable<Reading | null>): string | null {
  for (const reading of readings) if (reading?.oddity) return reading.oddity;
  return null;
}
