import { createHash } from 'node:crypto';
import { type Call, type Desk, getPictureUrl, type OutgoingCall } from '../dialect.ts';
import { getNow, lookAt, type Moment, type Task } from '../task.ts';
import { readFacts } from './facts.ts';
import { type Outcome, succeed } from './outcome.ts';
import { getErrors, getResults, nameOf, toItem } from './results.ts';

/** The answer to a getResponse: the whole state each time, successes in `data`, failures in `errors`. */
export async function toState(task: Task, call: Call, desk: Desk): Promise<Outcome> {
  const now = getNow();
  const { phase } = lookAt(task, now);
  // SIM: what is queued says nothing, as what was never submitted.
  if (phase === 'pending') return succeed([]);
  const { data, errors } = await getResults(task, now, call.origin, desk);
  const made = data.map((item) => ({ ...item, status: 'success' }));
  const status = UNFINISHED[phase];
  // One for all that is still to come, however many that is.
  const open = status === undefined ? [] : [{ ...nameOf(task), status }];
  return succeed(
    [...made, ...open],
    errors.map((error) => ({ ...error, status: 'error' })),
  );
}

/** The answer to a getTaskDetails: what was sent, and the last response to it. SIM: while it runs, the acknowledgement. */
export async function toDetails(task: Task, call: Call, desk: Desk): Promise<Outcome> {
  const now = getNow();
  const { phase } = lookAt(task, now);
  const isOver = phase === 'succeeded' || phase === 'failed';
  const { data, errors } = isOver
    ? await getResults(task, now, call.origin, desk)
    : { data: [nameOf(task)], errors: [] };
  const response = { ...(data.length > 0 && { data }), ...(errors.length > 0 && { errors }) };
  return succeed([{ taskType: 'getTaskDetails', taskUUID: task.id, request: [readFacts(task).request], response }]);
}

/** SIM: one call for each picture, flat or wrapped by its task's id, then one for what failed; always with links. */
export function callbacksOf(task: Task, origin: string): OutgoingCall[] {
  const now = getNow();
  const { pictures } = lookAt(task, now);
  const items = Array.from({ length: pictures }, (_, index) =>
    toItem(task, index, { imageURL: getPictureUrl(task, index, origin) }),
  );
  const isWrapped = createHash('sha256').update(task.id).digest().readUInt8() % 2 === 0;
  const errors = getErrors(task, now);
  return [
    ...items.map((item) => ({ body: isWrapped ? { data: [item] } : item })),
    ...(errors.length > 0 ? [{ body: { errors } }] : []),
  ];
}

const UNFINISHED: Partial<Record<Moment['phase'], string>> = { running: 'processing', odd: 'postProcessing' };
