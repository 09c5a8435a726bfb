import { unavailable } from './unavailable.ts';

/** The outcome of work on a connection; rejects as soon as that is lost, or past `ms` milliseconds. The work may go on. */
export function outlast<T>(work: Promise<T>, lost: AbortSignal, ms?: number): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onLost = () => settle(() => reject(lost.reason));
    const onLate = () => settle(() => reject(unavailable('NO_ANSWER', `the database did not answer within ${ms} ms`)));
    const timer = ms === undefined ? undefined : setTimeout(onLate, ms);

    function settle(how: () => void): void {
      clearTimeout(timer);
      lost.removeEventListener('abort', onLost);
      how();
    }

    lost.addEventListener('abort', onLost);
    if (lost.aborted) onLost();
    work.then(
      (result) => settle(() => resolve(result)),
      (error) => settle(() => reject(error)),
    );
  });
}
