import type { Task } from '../generation/types.ts';
import type { Provider } from '../provider/provider.ts';

export type Providers = readonly Provider[];

/** Null when the provider a task was meant for is no longer configured. */
export function findProvider(providers: Providers, task: Pick<Task, 'provider' | 'mode'>): Provider | null {
  return providers.find(({ slug, mode }) => slug === task.provider && mode === task.mode) ?? null;
}
