import type { SubmitReport } from '../../generation/provider-report.ts';
import { type Access, bodyOf, sendBody } from '../access.ts';
import type { Outcome } from '../call.ts';
import { note } from '../note.ts';
import type { Answer } from '../provider.ts';
import { NOTHING_SAID, toTrouble } from '../trouble.ts';
import { reportUnaccepted } from '../unaccepted.ts';
import { isOpen } from './answer.ts';
import { kindOf, toHindrance } from './failures.ts';
import { parseAnswer, readFrozen, toSaid, type WireError } from './wire.ts';

/** Sends one body once: its tasks as an array (providers.md §3). */
export async function submit(
  access: Access,
  body: Record<string, unknown>,
  signal: AbortSignal,
): Promise<Answer<SubmitReport>> {
  const { tasks, taskUUID } = readFrozen(body);
  const { outcome, exchange } = await sendBody(access, '/v1', tasks, signal);
  const report = read(outcome, taskUUID);
  const isOdd = report.kind === 'AMBIGUOUS' && bodyOf(outcome) !== null;
  return { report, exchange: note(exchange, isOdd ? 'the answer names no task' : null) };
}

function read(outcome: Outcome, taskUUID: string | null): SubmitReport {
  const answer = outcome.kind === 'ANSWERED' ? parseAnswer(outcome.body) : null;
  const isTaken = bodyOf(outcome) !== null && answer?.items.some((item) => item.taskUUID === taskUUID);
  // The name was made for this submission alone: who has it already has this very order (providers.md §3.6).
  const isThere = answer?.errors.some((error) => kindOf(error) === 'DUPLICATE');
  if (taskUUID !== null && (isTaken || isThere)) {
    return { kind: 'ACCEPTED', providerTaskId: taskUUID, credits: null, etaSeconds: null };
  }
  const [error] = answer?.errors ?? [];
  return error ? readError(outcome, error) : reportUnaccepted('Runware', outcome, NOTHING_SAID, false);
}

/** Where the status proves neither, the code decides: no source says which status goes with which (providers.md §3.5). */
function readError(outcome: Outcome, error: WireError): SubmitReport {
  const [said, kind] = [toSaid(error), kindOf(error)];
  if (!isOpen(outcome)) return reportUnaccepted('Runware', outcome, said, kind === 'SAFETY');

  const hindrance = toHindrance(error, outcome, 'NO');
  if (hindrance) return { kind: 'NOT_NOW', ...hindrance };
  switch (kind) {
    case 'SAFETY': {
      const message = 'Runware refused the prompt or a reference for its content.';
      return { kind: 'REFUSED', failure: toTrouble('MODERATED_PROMPT', 'NO', false, message, said) };
    }
    case 'REQUEST':
      return {
        kind: 'REFUSED',
        failure: toTrouble('PROVIDER_REJECTED', 'NO', false, 'Runware refused the request.', said),
      };
    case 'OTHER':
      return reportUnaccepted('Runware', outcome, said, false);
    default: {
      const message = 'The request was sent, and Runware reports a failure of its work, so it may have been accepted.';
      return { kind: 'AMBIGUOUS', failure: toTrouble('OUTCOME_UNKNOWN', 'UNKNOWN', false, message, said) };
    }
  }
}
