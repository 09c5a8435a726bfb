import { createHmac } from 'node:crypto';
import type { Call, Desk, Dialect, Reply } from '../dialect.ts';
import { makeWord } from '../word.ts';
import { toAccepted, toEvent, toReport } from './answers.ts';
import { toAcceptedBatch, toBatchReport } from './batch.ts';
import { refuse, refuseWith } from './errors.ts';
import { CREDITS_PER_IMAGE, readBatch, readOrder } from './order.ts';
import { creditsRemaining, isBusy, isBusyWithBatches, tierOf } from './tier.ts';

/** SIM: where the secret of an account comes from is UNKNOWN; here everybody has the same. */
const WEBHOOK_SECRET = 'sandbox-webhook-secret';

/** Seedance, a gateway that charges at submit: single images, batches, signed callbacks. `providers.md` §6, seed 004. */
export const seedance: Dialect = {
  slug: 'seedance',
  refuse,
  answer,
  callbacksOf: (task, origin) => [{ body: toEvent(task, origin), sign }],
  // SIM: the code is documented with status 400, so it is taken for an answer to a submit; one refuses a whole batch.
  moderate: () => refuseWith('content_policy', 'Prompt violates policy'),
  // SIM: charged at submit, and no source speaks of a refund.
  charge: () => ({ images: 1, credits: CREDITS_PER_IMAGE, refunded: false }),
};

function answer(call: Call, desk: Desk): Reply {
  const { method, path } = call;
  if (method === 'POST' && path === '/v1/images/generate') return submit(call, desk);
  if (method === 'POST' && path === '/v1/images/batch') return submitBatch(call, desk);
  const [, batchId] = /^\/v1\/images\/batch\/([^/]+)$/.exec(path) ?? [];
  if (method === 'GET' && batchId !== undefined) return pollBatch(batchId, call, desk);
  const [, id] = /^\/v1\/images\/([^/]+)$/.exec(path) ?? [];
  if (method === 'GET' && id !== undefined) return poll(id, call, desk);
  if (method === 'GET' && path === '/v1/account/credits') return tellCredits(call, desk);
  return refuse('no-such-path');
}

function submit(call: Call, desk: Desk): Reply {
  const read = readOrder(call.body);
  if (!read.ok) return refuseWith(read.code, read.message);
  const tier = tierOf(call.key);
  if (isBusy(tier, desk)) return refuse('rate-limited');
  const facts = { ...read.order.facts, tier: tier.tier };
  const order = { ...read.order, id: `img_${makeWord(12)}`, facts };
  return desk.take(call, order, (task) => ({ status: 200, body: toAccepted(task, creditsRemaining(desk)) }));
}

function submitBatch(call: Call, desk: Desk): Reply {
  const tier = tierOf(call.key);
  const read = readBatch(call.body, tier.mostItems);
  if (!read.ok) return refuseWith(read.code, read.message);
  if (isBusyWithBatches(tier, desk)) return refuse('rate-limited');
  const group = `batch_${makeWord(9)}`;
  const orders = read.orders.map((order, index) => ({
    ...order,
    id: `img_${makeWord(12)}`,
    group,
    facts: { ...order.facts, tier: tier.tier, index },
  }));
  return desk.takeAll(call, orders, (tasks) => ({
    status: 200,
    body: toAcceptedBatch(group, tasks, creditsRemaining(desk)),
  }));
}

function poll(id: string, call: Call, desk: Desk): Reply {
  const task = desk.find(id);
  return task ? { status: 200, body: toReport(task, call.origin) } : refuse('no-such-path');
}

function pollBatch(batchId: string, call: Call, desk: Desk): Reply {
  const tasks = desk.findGroup(batchId);
  if (tasks.length === 0) return refuse('no-such-path');
  return { status: 200, body: toBatchReport(batchId, tasks, call.origin) };
}

function tellCredits({ key }: Call, desk: Desk): Reply {
  return { status: 200, body: { credits_remaining: creditsRemaining(desk), tier: tierOf(key).tier } };
}

function sign(raw: string): Record<string, string> {
  return { 'x-seedance-signature': createHmac('sha256', WEBHOOK_SECRET).update(raw).digest('hex') };
}
