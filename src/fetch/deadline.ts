import { Refusal } from './refusal.ts';

/**
 * Runs `work` with a signal that fires when the time is up (TIMEOUT) or when one of `signals` does, and throws what
 * the signal says. Written with listeners: on Node 20 `AbortSignal.any` of a timeout can be collected before it fires.
 */
export async function withDeadline<T>(
  timeoutMs: number,
  signals: readonly AbortSignal[],
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(new Refusal({ kind: 'TIMEOUT' })), timeoutMs);
  const forward = (event: Event) => controller.abort((event.target as AbortSignal).reason);
  for (const signal of signals) {
    if (signal.aborted) controller.abort(signal.reason);
    else signal.addEventListener('abort', forward, { once: true });
  }
  try {
    controller.signal.throwIfAborted();
    return await work(controller.signal);
  } finally {
    clearTimeout(timer);
    for (const signal of signals) signal.removeEventListener('abort', forward);
  }
}
