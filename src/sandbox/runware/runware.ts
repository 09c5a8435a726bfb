import { z } from 'zod';
import { type Call, DATA_URI_BODY_BYTES, type Desk, type Dialect, type Reply } from '../dialect.ts';
import { parseJson } from '../parse-json.ts';
import { findKey } from '../receive.ts';
import { callbacksOf } from './answers.ts';
import { refuse, refuseBody } from './errors.ts';
import { type Outcome, succeed } from './outcome.ts';
import { perform } from './perform.ts';

/** Runware: one address, arrays of tasks in and out, ids that the caller chooses. `providers.md` §3 and seed 001. */
export const runware: Dialect = {
  slug: 'runware',
  unit: 'USD',
  mostBodyBytes: DATA_URI_BODY_BYTES,
  findKey: findKeyInBody,
  refuse,
  answer,
  callbacksOf,
};

async function answer(call: Call, desk: Desk): Promise<Reply> {
  if (call.method !== 'POST' || call.path !== '/v1') return refuse('no-such-path');
  const tasks = parseJson(call.body);
  if (!Array.isArray(tasks) || tasks.length === 0) return refuseBody();
  // SIM: over HTTP an authentication is not answered; a wrong key does not come this far.
  const asked = tasks.filter((task) => !Authentication.safeParse(task).success);
  // Each task stands for itself: the others of the array are done whatever becomes of it.
  const outcomes = await Promise.all(asked.map((task: unknown) => perform(task, call, desk)));
  return outcomes.includes(null) ? 'cut' : toReply(outcomes.filter((outcome) => outcome !== null));
}

/** SIM: 200 when some tasks of an array fail, the status of the first when all do; a 500 is for the whole array. */
function toReply(outcomes: readonly Outcome[]): Reply {
  const broken = outcomes.filter(({ status }) => status === 500);
  const told = broken.length > 0 ? broken : outcomes;
  const { status, headers } = told.find((outcome) => outcome.status === 200) ?? told[0] ?? succeed([]);
  const [data, errors] = [told.flatMap((outcome) => outcome.data), told.flatMap((outcome) => outcome.errors)];
  const body = { ...((data.length > 0 || errors.length === 0) && { data }), ...(errors.length > 0 && { errors }) };
  return { status, ...(headers && { headers }), body };
}

const Authentication = z.object({ taskType: z.literal('authentication'), apiKey: z.string() });

function findKeyInBody(body: string): string | null {
  const tasks = parseJson(body);
  const read = Authentication.safeParse(Array.isArray(tasks) ? tasks[0] : undefined);
  return read.success ? findKey(`Bearer ${read.data.apiKey}`) : null;
}
