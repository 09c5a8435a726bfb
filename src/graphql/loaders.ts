import DataLoader from 'dataloader';
import type { Domain } from '../generation/domain.ts';
import { type KeptExchange, listExchanges } from '../generation/exchanges.ts';
import { listAssetsByIds, listGenerationsByIds, listTasksByIds } from '../generation/find.ts';
import type { Asset, Generation, Task } from '../generation/types.ts';
import type { Caller } from '../workspace/caller.ts';
import { type ApiKey, listApiKeys } from '../workspace/find.ts';

export interface Loaders {
  generation: DataLoader<string, Generation | null>;
  task: DataLoader<string, Task | null>;
  asset: DataLoader<string, Asset | null>;
  apiKey: DataLoader<string, ApiKey | null>;
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
