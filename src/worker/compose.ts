import { randomUUID } from 'node:crypto';
import type { ProviderRequest, SentSubmission } from '../generation/provider-request.ts';
import { newSubmissionId } from '../generation/send.ts';
import type { Task } from '../generation/types.ts';
import type { Provider } from '../provider/provider.ts';
import type { CallbackUrl } from './callback-url.ts';

/** A task that is about to leave. */
export interface Order {
  task: Task;
  /** As it is sent: references may have become bytes. */
  request: ProviderRequest;
}

/** One submission before it leaves: named, and its body as it will be sent. */
export interface Composed extends SentSubmission {
  /** Its provider is told an address to call. */
  awaitsCallback: boolean;
}

/** One order by itself, or all of a batch in one body. */
export function composeSubmission(provider: Provider, orders: readonly Order[], callbackUrl: CallbackUrl): Composed {
  const [id, reference] = [newSubmissionId(), randomUUID()];
  const sending = { submissionId: id, reference, callbackUrl: callbackUrl(provider, id) };
  const requests = orders.map(({ request }) => request);
  const [only] = requests;
  if (!only) throw new Error('There is nothing to send.');
  const body =
    requests.length > 1 && provider.batch ? provider.batch.compose(requests, sending) : provider.compose(only, sending);
  return { id, reference, body, awaitsCallback: sending.callbackUrl !== null };
}
