import { randomUUID } from 'node:crypto';
import type { Call, Desk, Dialect, Reply } from '../dialect.ts';
import { toAccepted, toReport } from './answers.ts';
import { refuse, refuseBody } from './errors.ts';
import { readOrder } from './order.ts';

/** reAPI: submit, then poll; no callbacks, no progress, and each POST is a new order. `providers.md` §4 and seed 002. */
export const reapi: Dialect = {
  slug: 'reapi',
  refuse,
  answer,
  callbacksOf: () => [],
};

function answer(call: Call, desk: Desk): Reply {
  if (call.method === 'POST' && call.path === '/api/v1/images/generations') return submit(call, desk);
  const id = /^\/api\/v1\/tasks\/([^/]+)$/.exec(call.path)?.[1];
  if (call.method === 'GET' && id !== undefined) return poll(id, call, desk);
  return refuse('no-such-path');
}

function submit(call: Call, desk: Desk): Reply {
  const read = readOrder(call.body);
  if (!read.ok) return refuseBody(read.message, read.isMissing);
  const id = `task_${randomUUID().replaceAll('-', '')}`;
  // SIM: the status of an accepted submission is not documented.
  return desk.take(call, { ...read.order, id }, (task) => ({ status: 200, body: toAccepted(task) }));
}

function poll(id: string, call: Call, desk: Desk): Reply {
  const task = desk.find(id);
  return task ? { status: 200, body: toReport(task, call.origin) } : refuse('no-such-path');
}
