import type { GuardedFetch } from '../fetch/guarded-fetch.ts';
import type { Domain } from '../generation/domain.ts';
import type { ReferenceRules } from '../generation/provider-model.ts';
import { recordReports } from '../generation/record.ts';
import type { Task } from '../generation/types.ts';
import type { Provider } from '../provider/provider.ts';
import { createTurns } from '../turns.ts';
import type { Order } from './compose.ts';
import { type Fetching, fetchReferences } from './references.ts';

/** Of all submissions together: a download may be as large as a reference may be. */
const MOST_DOWNLOADS = 4;
/** Submissions that hold their references in memory, many times 10 MB each. */
const MOST_WITH_BYTES = 4;
/** At one time, of one workspace and of all: hosts that never answer are not to keep others from sending. */
const MOST_LOOKED_AT = 16;
const MOST_LOOKED_AT_IN_ALL = 32;

export interface Preparer {
  /** Whether the references of these may be looked at now, where they have any. */
  hasRoom(tasks: readonly Task[]): boolean;
  /** Goes the whole way of one submission, once there is room in memory for what its references become. */
  inTurn(provider: Provider, tasks: readonly Task[], way: () => Promise<void>): Promise<void>;
  /** Those that may be sent, with their requests as they are sent; the others fail before anything leaves. */
  prepare(provider: Provider, tasks: readonly Task[], signal: AbortSignal): Promise<Order[]>;
}

/** Looks at the references of what is about to be sent, for all submissions of this process. */
export function createPreparer(domain: Domain, fetch: GuardedFetch): Preparer {
  const takeDownload = createTurns(MOST_DOWNLOADS);
  const takeMemory = createTurns(MOST_WITH_BYTES);
  /** Submissions whose references wait for their turn or are being fetched, each by its first task. */
  const lookedAt = new Map<string, Task>();

  return {
    hasRoom(tasks) {
      if (!hasReferences(tasks)) return true;
      const own = [...lookedAt.values()].filter(({ workspaceId }) => workspaceId === tasks[0]?.workspaceId).length;
      return own === 0 || (own < MOST_LOOKED_AT && lookedAt.size < MOST_LOOKED_AT_IN_ALL);
    },
    async inTurn(provider, tasks, way) {
      const [first] = tasks;
      if (!first || !hasReferences(tasks)) return way();
      lookedAt.set(first.id, first);
      try {
        const isHeld = tasks.some((task) => becomesBytes(provider, task));
        await (isHeld ? takeMemory(way, first.workspaceId) : way());
      } finally {
        lookedAt.delete(first.id);
      }
    },
    async prepare(provider, tasks, signal) {
      const looked = await Promise.all(
        tasks.map(async (task) => {
          const rules = rulesOf(provider, task);
          const options = { allowedHosts: provider.resultHosts, signal };
          const fetching: Fetching = { fetch, takeTurn: (work) => takeDownload(work, task.workspaceId) };
          return { task, references: await fetchReferences(fetching, task.request, rules, options) };
        }),
      );
      for (const { id } of tasks) lookedAt.delete(id);
      const unfit = looked.flatMap(({ task, references }) => (references.ok ? [] : [{ task, ...references }]));
      await recordReports(
        domain,
        unfit.map(({ task: { id: taskId, leaseToken: token, generationId }, failure }) => {
          return { generationId, report: { kind: 'UNFIT', taskId, token, failure } };
        }),
      );
      return looked.flatMap(({ task, references }) => (references.ok ? [{ task, request: references.request }] : []));
    },
  };
}

function hasReferences(tasks: readonly Task[]): boolean {
  return tasks.some(({ request }) => request.references.length > 0);
}

function becomesBytes(provider: Provider, task: Task): boolean {
  return task.request.references.length > 0 && rulesOf(provider, task)?.form === 'DATA_URI';
}

function rulesOf({ models }: Provider, { request }: Task): ReferenceRules | null {
  return models.find(({ model }) => model === request.model)?.references ?? null;
}
