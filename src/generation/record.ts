import { type ChangeOptions, changeGenerations } from './change.ts';
import type { Domain } from './domain.ts';
import { insertExchanges, type TaskExchange } from './exchanges.ts';
import { applyReport } from './machine.ts';
import type { Report } from './report.ts';
import type { Generation } from './types.ts';

export interface Entry {
  generationId: string;
  report: Report;
}

/**
 * Applies what workers, providers and callers say of tasks, all in one transaction. A report that no longer fits (the
 * lease went to another worker, the task is final) changes nothing. Answers the generations as they now stand.
 */
export async function recordReports(
  domain: Domain,
  entries: readonly Entry[],
  { exchanges = [], also }: { exchanges?: TaskExchange[]; also?: ChangeOptions['also'] } = {},
): Promise<Generation[]> {
  const byGeneration = groupBy(entries);
  return changeGenerations(
    domain,
    [...byGeneration.keys()],
    (generation, moment) =>
      (byGeneration.get(generation.id) ?? []).reduce((state, report) => applyReport(state, report, moment), generation),
    {
      also: async (tx, after) => {
        await also?.(tx, after);
        await insertExchanges(tx, exchanges);
      },
    },
  );
}

function groupBy(entries: readonly Entry[]): Map<string, Report[]> {
  const groups = new Map<string, Report[]>();
  for (const { generationId, report } of entries) {
    const group = groups.get(generationId);
    if (group) group.push(report);
    else groups.set(generationId, [report]);
  }
  return groups;
}
