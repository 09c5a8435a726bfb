import { newId } from '../db/id.ts';
import type { Domain } from './domain.ts';
import type { Moment } from './draft.ts';
import { splitOverTasks } from './new-generation.ts';
import { fallbackRoute } from './route.ts';

/** Who else may make what a task was to make, as attempts that take its place. */
export function fallbackAt(domain: Domain, at: Date): Moment['fallbackOf'] {
  return (generation, task, why) => {
    const route = fallbackRoute(domain, generation, task, why, at);
    // From one that may take it later, nothing goes to one that takes nothing now either.
    if (!route || (route.isOpen && why.retryable)) return null;
    const tasks = splitOverTasks(generation, route, {
      firstSlot: task.firstSlot,
      images: task.imageCount,
      attempt: task.attempt + 1,
      routeReason: `fallback after ${why.code} at ${task.provider}: ${route.reason}`,
      batchKey: newId('bat'),
      at,
    });
    return { tasks, adjustments: route.fitted.adjustments };
  };
}
