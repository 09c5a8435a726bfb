import type { Task } from '../generation/types.ts';
import type { Provider } from '../provider/provider.ts';

export type Providers = readonly Provider[];

/** Null when the provider a task was meant for is no longer configured. */
export function findProvider(providers: Providers, task: Pick<Task, 'provider' | 'mode'>): Provider | null {
  return providers.find(({ slug, mode }) => slug === task.provider && mode === task.mode) ?? null;
}

/** What most of them grant; for a model that its provider no longer offers. */
const USUAL_TTL_SECONDS = 86_400;

/** How long this provider's result URLs live, in seconds, for the model the task asked for. */
export function resultTtlOf(provider: Provider, { request }: Pick<Task, 'request'>): number {
  return provider.models.find(({ model }) => model === request.model)?.resultTtlSeconds ?? USUAL_TTL_SECONDS;
}
