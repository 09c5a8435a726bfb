import DataLoader from 'dataloader';
import type { Domain } from '../generation/domain.ts';
import { type KeptExchange, listExchanges } from '../generation/exchanges.ts';
import { listAssetsByIds, listGenerationsByIds, listTasksByIds } from '../generation/find.ts';
import { type EventPage, type EventSpan, listEventsByIds, listEventsOf } from '../generation/list-events.ts';
import type { Asset, Generation, GenerationEvent, Task } from '../generation/types.ts';
import type { Caller } from '../workspace/caller.ts';
import { type ApiKey, listApiKeys } from '../workspace/find.ts';

export interface Loaders {
  generation: DataLoader<string, Generation | null>;
  task: DataLoader<string, Task | null>;
  asset: DataLoader<string, Asset | null>;
  apiKey: DataLoader<string, ApiKey | null>;
  event: DataLoader<string, GenerationEvent | null>;
  /** A page of each generation's own events. */
  eventsOf: DataLoader<EventSpan & { generationId: string }, EventPage>;
  /** By task, newest first. */
  exchanges: DataLoader<string, KeptExchange[]>;
}

/** What one selection asks for is read in one statement. Nothing is cached: a subscription's next event reads anew. */
export function createLoaders(domain: Domain, caller: Caller): Loaders {
  return {
    generation: batched((ids) => listGenerationsByIds(domain, caller, ids)),
    task: batched((ids) => listTasksByIds(domain, caller, ids)),
    asset: batched((ids) => listAssetsByIds(domain, caller, ids)),
    apiKey: batched((ids) => listApiKeys(domain, caller, ids)),
    event: batched((ids) => listEventsByIds(domain, caller, ids)),
    eventsOf: new DataLoader((asked) => loadEventsOf(domain, caller, asked), { cache: false }),
    exchanges: new DataLoader(
      async (taskIds) => {
        const found = await listExchanges(domain, taskIds);
        return taskIds.map((taskId) => found.filter((exchange) => exchange.taskId === taskId));
      },
      { cache: false },
    ),
  };
}

function batched<T extends { id: string }>(list: (ids: string[]) => Promise<T[]>): DataLoader<string, T | null> {
  return new DataLoader(
    async (ids) => {
      const found = new Map((await list([...new Set(ids)])).map((each) => [each.id, each]));
      return ids.map((id) => found.get(id) ?? null);
    },
    { cache: false },
  );
}

/** Of one selection all ask for the same span: one statement. Aliases may ask for others: one statement each. */
async function loadEventsOf(
  domain: Domain,
  caller: Caller,
  asked: readonly (EventSpan & { generationId: string })[],
): Promise<(EventPage | Error)[]> {
  const spans = new Map(asked.map(({ limit, after }) => [`${limit} ${after}`, { limit, after }]));
  const pages = new Map<string, EventPage | Error>();
  for (const [key, span] of spans) {
    const ids = asked.filter(({ limit, after }) => `${limit} ${after}` === key).map(({ generationId }) => generationId);
    const found = await listEventsOf(domain, caller, ids, span).catch((error: Error) => error);
    for (const id of ids) {
      const page = found instanceof Error ? found : found.get(id);
      pages.set(`${id} ${key}`, page ?? new Error(`The generation ${id} is gone.`));
    }
  }
  return asked.map(({ generationId, limit, after }) => pages.get(`${generationId} ${limit} ${after}`) as EventPage);
}
