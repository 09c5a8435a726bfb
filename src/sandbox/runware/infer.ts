import { setTimeout as wait } from 'node:timers/promises';
import type { Call, Desk, Reply } from '../dialect.ts';
import { getEnd, getNow, type Task } from '../task.ts';
import { readInference, readName } from './inference.ts';
import { fail, failAs, type Outcome, succeed } from './outcome.ts';
import { getResults, nameOf } from './results.ts';

/** Takes one imageInference; answers at once when it is asynchronous, else with its results. Null: cut. */
export async function infer(task: unknown, call: Call, desk: Desk): Promise<Outcome | null> {
  const [named, read] = [readName(task), readInference(task)];
  if (!read.ok) return fail(named, read.code, read.message, read.parameter);
  const { order, isAsync } = read;
  // SIM: refused while it runs is an observation; that it is when finished too is our guess.
  if (desk.isTaken(order.id)) {
    return fail(named, 'conflictTaskUUID', 'A task with this taskUUID exists already.', 'taskUUID');
  }
  const taken: Task[] = [];
  const reply = desk.take({ ...call, body: JSON.stringify(task) }, order, (accepted) => {
    taken.push(accepted);
    return TAKEN;
  });
  const [accepted] = taken;
  if (reply !== TAKEN || !accepted) return failAs(named, reply);
  return isAsync ? succeed([named]) : deliver(accepted, call, desk);
}

const TAKEN: Reply = { status: 200, body: null };

/** How long a synchronous request is held open; the task goes on after it, and is billed (providers.md §3.8). */
const PATIENCE_MS = 120_000;

async function deliver(task: Task, call: Call, desk: Desk): Promise<Outcome> {
  const end = getEnd(task) ?? Number.POSITIVE_INFINITY;
  const until = Math.min(end, task.acceptedAt + PATIENCE_MS);
  // A timer may ring a moment early, when the task would still be said to run.
  do await wait(Math.max(1, Math.ceil(until - getNow())), undefined, { signal: call.signal });
  while (getNow() <= until);
  if (until < end) return fail(nameOf(task), 'timeoutProvider', 'The task goes on.', undefined, 504);
  const { data, errors } = await getResults(task, getNow(), call.origin, desk);
  // SIM: the status of an answer without a single result.
  return { status: data.length > 0 ? 200 : 400, data, errors };
}
