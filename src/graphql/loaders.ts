import DataLoader from 'dataloader';
import type { Domain } from '../generation/domain.ts';
import { listAssetsByIds, listGenerationsByIds, listTasksByIds } from '../generation/find.ts';
import type { Asset, Generation, Task } from '../generation/types.ts';
import type { Caller } from '../workspace/caller.ts';

export interface Loaders {
  generation: DataLoader<string, Generation | null>;
  task: DataLoader<string, Task | null>;
  asset: DataLoader<string, Asset | null>;
}

/** What one selection asks for is read in one statement. Nothing is cached: a subscription's next event reads anew. */
export function createLoaders(domain: Domain, caller: Caller): Loaders {
  return {
    generation: batched((ids) => listGenerationsByIds(domain, caller, ids)),
    task: batched((ids) => listTasksByIds(domain, caller, ids)),
    asset: batched((ids) => listAssetsByIds(domain, caller, ids)),
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
