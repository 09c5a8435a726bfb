import type { PollSchedule } from '../generation/provider.ts';
import type { ProviderRequestSeen } from '../metrics/work.ts';
import { createConnections } from './connections.ts';
import { createGptImage2 } from './gptimage2/gptimage2.ts';
import { observed } from './observed.ts';
import type { Provider } from './provider.ts';

// Any key that starts with `sandbox` is accepted there.
const SANDBOX_KEY = 'sandbox-darkroom';

export interface ProviderOptions {
  /** Where the sandbox listens; null: no TEST providers. */
  sandboxUrl: string | null;
  /** The accounts that cost money; null where there is none. */
  live: { gptimage2: { apiKey: string; baseUrl: string } | null };
  pollSchedule: PollSchedule;
  /** Total time for one submission, from connecting to the last byte of the answer. Null: each provider's own. */
  submitTimeoutMs: number | null;
  /** Told of every request to a provider. */
  see?: (request: ProviderRequestSeen) => void;
}

/** Every provider this service may use: in TEST mode those of the sandbox, in LIVE mode those with an account. */
export function createProviders(options: ProviderOptions): { providers: Provider[]; stop(): Promise<void> } {
  const { sandboxUrl, live, pollSchedule, submitTimeoutMs } = options;
  const connections = createConnections();
  const shared = { pollSchedule, submitTimeoutMs, connections };
  const providers: Provider[] = [];
  if (sandboxUrl) {
    const test = { ...shared, mode: 'TEST', apiKey: SANDBOX_KEY, resultHosts: [toHost(sandboxUrl)] } as const;
    providers.push(createGptImage2({ ...test, baseUrl: new URL('/gptimage2', sandboxUrl).href }));
  }
  if (live.gptimage2) {
    providers.push(createGptImage2({ ...shared, ...live.gptimage2, mode: 'LIVE', resultHosts: [] }));
  }
  const { see } = options;
  return { providers: see ? providers.map((each) => observed(each, see)) : providers, stop: connections.stop };
}

/** `host:port`, with the port also where it is the scheme's own. */
function toHost(address: string): string {
  const { hostname, port, protocol } = new URL(address);
  return `${hostname}:${port || (protocol === 'https:' ? 443 : 80)}`;
}
