import type { Domain } from '../generation/domain.ts';
import { putTasksBack } from '../generation/lease.ts';
import type { Exchange, SubmitReport } from '../generation/provider-report.ts';
import { recordArrival, recordSubmission } from '../generation/record-submission.ts';
import type { Task } from '../generation/types.ts';
import type { Answer, Provider } from '../provider/provider.ts';
import type { Busy } from './busy.ts';
import type { CallbackUrl } from './callback-url.ts';
import { type Composed, composeSubmission, type Order } from './compose.ts';
import { giveBack } from './give-back.ts';
import type { Identity } from './identity.ts';
import type { Limits } from './limits.ts';
import { markLeaving } from './mark.ts';
import { splitAnswer } from './split-answer.ts';
import { whileEstimating } from './while-estimating.ts';

export interface SendParts {
  identity: Identity;
  callbackUrl: CallbackUrl;
  limits: Limits;
  busy: Busy;
}

/**
 * Sends orders in one submission, once, or only the first of them where there is no room for a batch. Answers what their
 * provider said, once that is stored; null where nothing left.
 */
export async function sendOrders(
  domain: Domain,
  { callbackUrl, busy, ...parts }: SendParts,
  provider: Provider,
  orders: readonly Order[],
  signal: AbortSignal,
): Promise<SubmitReport | null> {
  const tasks = orders.map(({ task }) => task);
  const submission = composeSubmission(provider, orders, callbackUrl);
  const stop = await markLeaving(domain, parts, provider, tasks, submission);
  if (stop?.kind === 'NO_TURN' && stop.lacks === 'BATCH') {
    // There may be room for one order.
    await putTasksBack(domain, tasks.slice(1));
    return sendOrders(domain, { callbackUrl, busy, ...parts }, provider, orders.slice(0, 1), signal);
  }
  if (stop) {
    await giveBack(domain, busy, provider, tasks, stop);
    return null;
  }
  const { report, exchange } = await submit(domain, provider, tasks, submission, signal);
  domain.reach?.('submit:answered');
  await store(domain, provider, tasks, submission, report, exchange);
  return report;
}

/** Of a provider that answers with the images each is stored as it comes. */
async function submit(
  domain: Domain,
  provider: Provider,
  tasks: readonly Task[],
  { id, body }: Composed,
  signal: AbortSignal,
): Promise<Answer<SubmitReport>> {
  const [task] = tasks;
  if (!provider.isSynchronous || !task) return provider.submit(body, signal);
  return whileEstimating(domain, provider, task, id, () =>
    provider.submit(body, signal, ({ images }) => recordArrival(domain, task, id, images)),
  );
}

async function store(
  domain: Domain,
  provider: Provider,
  tasks: readonly Task[],
  { id }: Composed,
  report: SubmitReport,
  exchange: Exchange,
): Promise<void> {
  await recordSubmission(domain, splitAnswer(provider, tasks, report), id, exchange);
  if (!('failure' in report)) return;
  const { code, message } = report.failure;
  const ids = tasks.map((task) => task.id);
  domain.log.warn({ tasks: ids, provider: provider.slug, outcome: report.kind, code }, message);
}
