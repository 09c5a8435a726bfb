import type { PollReport, SubmitReport } from '../../src/generation/provider-report.ts';
import type { ProviderRequest, Sending } from '../../src/generation/provider-request.ts';
import { createConnections } from '../../src/provider/connections.ts';
import { createGptImage2 } from '../../src/provider/gptimage2/gptimage2.ts';
import type { Answer, Provider } from '../../src/provider/provider.ts';

export const KEY = 'sk-evo-0123456789abcdef';
export const TASK = 'task-unified-1757165031-seedream5d';

/** Shared by all files that run in one process, and gone with it. */
const connections = createConnections();

interface Options {
  submitTimeoutMs?: number;
  apiKey?: string;
}

export function createProvider(baseUrl: string, options: Options = {}): Provider {
  const pollSchedule = { firstMs: 2000, fastMs: 2500, fastForMs: 20_000, slowMs: 7500 };
  const base = {
    mode: 'LIVE',
    apiKey: KEY,
    submitTimeoutMs: 5_000,
    pollSchedule,
    resultHosts: [],
    connections,
  } as const;
  return createGptImage2({ ...base, baseUrl, ...options });
}

export function createRequest(changes: Partial<ProviderRequest> = {}): ProviderRequest {
  return {
    model: 'seedream-5.0-lite',
    prompt: 'a red kite',
    images: 1,
    series: false,
    size: null,
    references: [],
    seed: null,
    style: null,
    colors: null,
    thinking: 'DEFAULT',
    outputFormat: null,
    outputQuality: null,
    watermark: null,
    safety: 'DEFAULT',
    ...changes,
  };
}

/** A submission that nobody can call back. */
export const SENDING: Sending = {
  submissionId: 'sub_1',
  reference: '6f8a4a8e-2f4b-4c62-9d0a-1d8f3d2f5b6e',
  callbackUrl: null,
};

export function submitTo(url: string, options: Options = {}): Promise<Answer<SubmitReport>> {
  return createProvider(url, options).submit({ prompt: 'a red kite' }, new AbortController().signal);
}

export async function askAt(url: string, id = TASK): Promise<Answer<PollReport>> {
  const [answer] = await createProvider(url).ask([id], new AbortController().signal);
  if (!answer) throw new Error('no answer');
  return answer;
}
