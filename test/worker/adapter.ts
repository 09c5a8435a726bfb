import { z } from 'zod';
import type { Trouble } from '../../src/generation/failure-code.ts';
import type { ProviderFeature } from '../../src/generation/provider-model.ts';
import type { PollReport, RecoverReport, SubmitReport } from '../../src/generation/provider-report.ts';
import { type Call, call } from '../../src/provider/call.ts';
import type { Connections } from '../../src/provider/connections.ts';
import type { Answer, Provider } from '../../src/provider/provider.ts';
import { reportSilence } from '../../src/provider/silence.ts';
import { NOTHING_SAID } from '../../src/provider/trouble.ts';
import { reportUnaccepted } from '../../src/provider/unaccepted.ts';
import { sampleModel, sampleTrouble } from '../generation/samples.ts';

/** How a lost answer can be made good at a provider: it is asked by reference, or it calls back, or not at all. */
export type RecoveryClass = 'ASK' | 'CALLBACK' | 'NONE';

const FEATURES: Record<RecoveryClass, ProviderFeature[]> = {
  ASK: ['RECOVERABLE_SUBMIT'],
  CALLBACK: ['WEBHOOK'],
  NONE: [],
};
const SUBMIT_TIMEOUT_MS = 800;
/** So slow after the end that each pause after the first is seen in the database. */
export const SLOW_MS = 20_000;

const named = z.object({ id: z.string() });
const refused = z.object({ refused: z.string() });
const told = z.object({ status: z.enum(['RUNNING', 'FINISHED', 'FAILED']), images: z.array(z.string()) });

/** The adapter of the test's upstream, as one of each class: model and slug are the name of the class. */
export function createAdapter(url: string, recovery: RecoveryClass, connections: Connections): Provider {
  const send = (method: Call['method'], path: string, body: unknown, signal: AbortSignal) =>
    call({
      method,
      url: `${url}${path}`,
      headers: {},
      body,
      timeoutMs: method === 'POST' ? SUBMIT_TIMEOUT_MS : 5_000,
      signal,
      connections: method === 'POST' ? null : connections,
      maxBytes: 65_536,
      secrets: [],
    });

  async function submit(body: Record<string, unknown>, signal: AbortSignal): Promise<Answer<SubmitReport>> {
    const { outcome, exchange } = await send('POST', '/tasks', body, signal);
    const id = outcome.kind === 'ANSWERED' && outcome.status === 200 && named.safeParse(outcome.body).data?.id;
    if (!id) return { report: reportUnaccepted('The upstream', outcome, NOTHING_SAID, false), exchange };
    return { report: accepted(id), exchange };
  }

  /** Asked for by its reference; sent again with it when the upstream does not know it. */
  const recover: Provider['recover'] = async ({ reference, body }, may, signal) => {
    const looked = await send('GET', `/references/${reference}`, undefined, signal);
    if (looked.outcome.kind !== 'ANSWERED') return { report: unknown(), exchange: looked.exchange };
    const { status, body: found } = looked.outcome;
    const [id, reason] = [named.safeParse(found).data?.id, refused.safeParse(found).data?.refused];
    if (id) return { report: accepted(id), exchange: looked.exchange };
    if (reason) return { report: { kind: 'REFUSED', failure: moderated(reason) }, exchange: looked.exchange };
    if (status !== 404) return { report: unknown(), exchange: looked.exchange };

    if (!(await may('SEND_AGAIN'))) return { report: unknown(), exchange: looked.exchange };
    const again = await send('POST', '/tasks', body, signal);
    const { outcome, exchange } = again;
    const taken =
      outcome.kind === 'ANSWERED' && [200, 409].includes(outcome.status) && named.safeParse(outcome.body).data;
    return { report: taken ? accepted(taken.id) : unknown(), exchange };
  };

  async function ask(id: string, signal: AbortSignal): Promise<Answer<PollReport>> {
    const { outcome, exchange } = await send('GET', `/tasks/${id}`, undefined, signal);
    if (outcome.kind === 'ANSWERED' && outcome.status === 404) {
      return { report: { kind: 'MISSING', failure: sampleTrouble({ code: 'PROVIDER_LOST' }) }, exchange };
    }
    const state = outcome.kind === 'ANSWERED' ? told.safeParse(outcome.body).data : undefined;
    if (!state) return { report: reportSilence('The upstream', outcome, NOTHING_SAID), exchange };
    return { report: toReport(state), exchange };
  }

  return {
    slug: recovery,
    name: recovery,
    mode: 'TEST',
    models: [sampleModel({ model: recovery, features: FEATURES[recovery] })],
    pollSchedule: { firstMs: 20, fastMs: 50, fastForMs: 60_000, slowMs: SLOW_MS },
    pollBatch: 1,
    resultsLag: false,
    limits: { concurrency: null, requestsPerMinute: null, batch: null },
    limitsOf: null,
    isSynchronous: false,
    batch: null,
    together: () => null,
    account: null,
    resultHosts: [new URL(url).host],
    compose: ({ prompt }, { reference, callbackUrl }) => ({ prompt, reference, callbackUrl }),
    recover: recovery === 'ASK' ? recover : null,
    callback: recovery === 'CALLBACK' ? { isLocal: true, isGenuine: null, read: () => null } : null,
    submit,
    ask: (ids, signal) => Promise.all(ids.map((id) => ask(id, signal))),
  };
}

function toReport({ status, images }: z.infer<typeof told>): PollReport {
  if (status === 'RUNNING') return { kind: 'RUNNING', percent: 40, etaSeconds: null };
  if (status === 'FAILED') return { kind: 'FAILED', failure: sampleTrouble({ billed: 'NO' }) };
  return { kind: 'FINISHED', images: images.map((url) => ({ url, seed: null })), credits: '4' };
}

function accepted(providerTaskId: string) {
  return { kind: 'ACCEPTED', providerTaskId, credits: '3', etaSeconds: null } as const;
}

function unknown(): RecoverReport {
  return { kind: 'UNKNOWN', failure: sampleTrouble(), retryAfterMs: null };
}

function moderated(reason: string): Trouble {
  return sampleTrouble({ code: 'MODERATED_PROMPT', billed: 'NO', retryable: false, providerMessage: reason });
}
