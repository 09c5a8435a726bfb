import type { Task } from '../generation/types.ts';
import type { Provider } from '../provider/provider.ts';

/** Providers that have no turn just now: nothing is claimed or fetched for them until then. */
export interface Busy {
  has(provider: Provider): boolean;
  mark(provider: Provider, waitMs: number): void;
  list(): Pick<Task, 'provider' | 'mode'>[];
}

export function createBusy(): Busy {
  const until = new Map<Provider, number>();
  const has = (provider: Provider) => (until.get(provider) ?? 0) > performance.now();

  return {
    has,
    mark: (provider, waitMs) => void until.set(provider, performance.now() + waitMs),
    list: () => [...until.keys()].filter(has).map(({ slug, mode }) => ({ provider: slug, mode })),
  };
}
