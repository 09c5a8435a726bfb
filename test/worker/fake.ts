import type { PollReport } from '../../src/generation/provider-report.ts';
import type { Provider } from '../../src/provider/provider.ts';
import { sampleExchange, sampleModel, sampleTrouble } from '../generation/samples.ts';

export const pending: PollReport = { kind: 'PENDING', etaSeconds: null };
export const failed: PollReport = { kind: 'FAILED', failure: sampleTrouble() };

/** The provider `kites` of a stage, which only answers polls; `asked` are the ids it was asked about, in order, and `groups` those of each request. */
export function createFake(
  answer: (id: string, signal: AbortSignal) => PollReport | Promise<PollReport>,
  changes: Partial<Provider> = {},
): Provider & { asked: string[]; groups: string[][] } {
  const asked: string[] = [];
  const groups: string[][] = [];
  return {
    asked,
    groups,
    slug: 'kites',
    name: 'Kites',
    mode: 'TEST',
    models: [sampleModel()],
    pollSchedule: { firstMs: 20, fastMs: 50, fastForMs: 3_600_000, slowMs: 50 },
    pollBatch: 1,
    resultsLag: false,
    limits: { concurrency: null, requestsPerMinute: null, batch: null },
    limitsOf: null,
    isSynchronous: false,
    batch: null,
    together: () => null,
    account: null,
    resultHosts: [],
    compose: () => ({}),
    submit: () => Promise.reject(new Error('It takes no orders.')),
    recover: null,
    callback: null,
    async ask(ids, signal) {
      asked.push(...ids);
      groups.push([...ids]);
      return Promise.all(ids.map(async (id) => ({ report: await answer(id, signal), exchange: sampleExchange() })));
    },
    ...changes,
  };
}
