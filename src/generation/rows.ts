import type { assets, generations, tasks } from '../db/schema.ts';
import type { LoggedEvent } from '../events/feed-page.ts';
import type { Asset, Generation, GenerationEvent, Task } from './types.ts';

type AssetRow = typeof assets.$inferSelect;
type TaskRow = typeof tasks.$inferSelect;
type GenerationRow = typeof generations.$inferSelect;

/** What to read with a generation, so that it is whole. */
export const WHOLE = { tasks: true, assets: true } as const;

/** PostgreSQL keeps words as text and values as jsonb; only this domain writes them, so their types are known here. */
export function toGeneration(row: GenerationRow & { tasks: TaskRow[]; assets: AssetRow[] }): Generation {
  return {
    ...row,
    mode: row.mode as Generation['mode'],
    status: row.status as Generation['status'],
    request: row.request as Generation['request'],
    adjustments: row.adjustments as Generation['adjustments'],
    fit: row.fit as Generation['fit'],
    routing: row.routing as Generation['routing'],
    progressBasis: row.progressBasis as Generation['progressBasis'],
    failure: row.failure as Generation['failure'],
    tasks: row.tasks.map(toTask).sort((a, b) => (a.id < b.id ? -1 : 1)),
    assets: row.assets.map(toAsset).sort((a, b) => a.index - b.index),
  };
}

export function toTask(row: TaskRow): Task {
  return {
    ...row,
    mode: row.mode as Task['mode'],
    status: row.status as Task['status'],
    request: row.request as Task['request'],
    progressBasis: row.progressBasis as Task['progressBasis'],
    cost: row.cost as Task['cost'],
    failure: row.failure as Task['failure'],
    undelivered: row.undelivered as Task['undelivered'],
  };
}

export function toAsset(row: AssetRow): Asset {
  return { ...row, state: row.state as Asset['state'], failure: row.failure as Asset['failure'] };
}

export function toEvent(row: LoggedEvent): GenerationEvent {
  return {
    ...row,
    type: row.type as GenerationEvent['type'],
    status: row.status as GenerationEvent['status'],
    taskStatus: row.taskStatus as GenerationEvent['taskStatus'],
    failure: row.failure as GenerationEvent['failure'],
    cost: row.cost as GenerationEvent['cost'],
  };
}
