import type { PollReport, SubmitReport } from '../../src/generation/provider-report.ts';
import type { ProviderRequest, Sending } from '../../src/generation/provider-request.ts';
import { createConnections } from '../../src/provider/connections.ts';
import type { AdapterOptions, Answer, Provider } from '../../src/provider/provider.ts';
import { createRequest, SENDING } from './gptimage2.ts';

export const KEY = 'sandbox-0123456789abcdef';
export const POLL_SCHEDULE = { firstMs: 2_000, fastMs: 2_500, fastForMs: 20_000, slowMs: 7_500 };

/** Shared by all files that run in one process, and gone with it. */
const connections = createConnections();

export function toOptions(baseUrl: string): AdapterOptions {
  const base = { mode: 'LIVE', apiKey: KEY, submitTimeoutMs: 5_000, resultHosts: [], connections } as const;
  return { ...base, baseUrl, pollSchedule: POLL_SCHEDULE };
}

/** Composes and sends one request. */
export function order(
  provider: Provider,
  changes: Partial<ProviderRequest> = {},
  sending: Sending = SENDING,
): Promise<Answer<SubmitReport>> {
  return provider.submit(provider.compose(createRequest(changes), sending), new AbortController().signal);
}

export async function askOne(provider: Provider, id: string): Promise<Answer<PollReport>> {
  const [answer] = await provider.ask([id], new AbortController().signal);
  if (!answer) throw new Error('no answer');
  return answer;
}
