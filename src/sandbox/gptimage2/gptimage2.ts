import { randomInt } from 'node:crypto';
import type { Call, Desk, Dialect, Reply } from '../dialect.ts';
import { toAccepted, toReport } from './answers.ts';
import { refuse, refuseBody, refuseTaskId } from './errors.ts';
import { readOrder } from './order.ts';

/** GPTImage2, an EvoLink-shaped unified API: submit, then poll. `providers.md` §1 and seed 000. */
export const gptimage2: Dialect = {
  slug: 'gptimage2',
  refuse,
  answer,
  callbacksOf: (task, origin) => [{ body: toReport(task, origin) }],
};

function answer(call: Call, desk: Desk): Reply {
  if (call.method === 'POST' && call.path === '/v1/images/generations') return submit(call, desk);
  const id = /^\/v1\/tasks\/([^/]+)$/.exec(call.path)?.[1];
  if (call.method === 'GET' && id !== undefined) return poll(id, call, desk);
  return refuse('no-such-path');
}

function submit(call: Call, desk: Desk): Reply {
  const read = readOrder(call.body);
  if (!read.ok) return refuseBody(read.message, read.param);
  const id = `task-unified-${Math.floor(Date.now() / 1000)}-${Array.from({ length: 8 }, () => randomInt(36).toString(36)).join('')}`;
  return desk.take(call, { ...read.order, id }, (task) => ({ status: 200, body: toAccepted(task) }));
}

function poll(id: string, call: Call, desk: Desk): Reply {
  if (!id.startsWith('task-unified-')) return refuseTaskId();
  const task = desk.find(id);
  return task ? { status: 200, body: toReport(task, call.origin) } : refuse('no-such-path');
}
