import { randomUUID } from 'node:crypto';
import { type Call, DATA_URI_BODY_BYTES, type Desk, type Dialect, type Reply } from '../dialect.ts';
import { toAccepted, toReport } from './answers.ts';
import { refuse, refuseBody } from './errors.ts';
import { readOrder } from './order.ts';

/** 3D AI Studio: generate or edit, then poll; no callbacks. `providers.md` §5 and seed 003. */
export const threedaistudio: Dialect = {
  slug: 'threedaistudio',
  mostBodyBytes: DATA_URI_BODY_BYTES,
  refuse,
  answer,
  callbacksOf: () => [],
};

/** The slash at the end is part of each path. SIM: without it there is nothing. */
function answer(call: Call, desk: Desk): Reply {
  const [, verb] = /^\/v1\/images\/seedream\/v5\/lite\/(generate|edit)\/$/.exec(call.path) ?? [];
  if (call.method === 'POST' && verb !== undefined) return submit(call, desk, verb === 'edit');
  const [, id] = /^\/v1\/generation-request\/([^/]+)\/status\/$/.exec(call.path) ?? [];
  if (call.method === 'GET' && id !== undefined) return poll(id, call, desk);
  return refuse('no-such-path');
}

function submit(call: Call, desk: Desk, isEdit: boolean): Reply {
  const read = readOrder(call.body, isEdit);
  if (!read.ok) return refuseBody(read.message);
  // SIM: the status of an accepted submission is not documented.
  return desk.take(call, { ...read.order, id: randomUUID() }, (task) => ({ status: 200, body: toAccepted(task) }));
}

function poll(id: string, call: Call, desk: Desk): Reply {
  const task = desk.find(id);
  return task ? { status: 200, body: toReport(task, call.origin) } : refuse('no-such-path');
}
