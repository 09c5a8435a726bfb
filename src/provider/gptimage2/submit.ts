import type { SubmitReport } from '../../generation/provider.ts';
import { call } from '../call.ts';
import type { Connections } from '../connections.ts';
import type { Answer } from '../provider.ts';
import { NOTHING_SAID } from '../trouble.ts';
import { reportUnaccepted } from '../unaccepted.ts';
import { isModeration } from './failures.ts';
import { parseAccepted, parseSaid, type WireAccepted } from './wire.ts';

const MAX_ANSWER_BYTES = 1_048_576;

/** Where one account of GPTImage2 is reached. */
export interface Access {
  /** Without a slash at the end. */
  root: string;
  apiKey: string;
  /** For polls: a submission has one of its own. */
  connections: Connections;
}

/** Sends one body once (seed 000 §3.2, step 1). Its advice to repeat after a 5xx would pay twice (providers.md §1.6). */
export async function submit(
  { root, apiKey }: Access,
  body: Record<string, unknown>,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Answer<SubmitReport>> {
  const { outcome, exchange } = await call({
    method: 'POST',
    url: `${root}/v1/images/generations`,
    headers: { authorization: `Bearer ${apiKey}` },
    body,
    timeoutMs,
    signal,
    connections: null,
    maxBytes: MAX_ANSWER_BYTES,
    secrets: [apiKey],
  });

  const answered = outcome.kind === 'ANSWERED' ? outcome : null;
  const isSuccess = answered !== null && answered.status >= 200 && answered.status < 300;
  const accepted = isSuccess ? parseAccepted(answered.body) : null;
  if (accepted) return { report: reportAccepted(accepted), exchange };

  const said = answered ? parseSaid(answered.body) : NOTHING_SAID;
  return {
    report: reportUnaccepted('GPTImage2', outcome, said, isModeration(said)),
    exchange: isSuccess ? { ...exchange, error: exchange.error ?? 'the answer names no task' } : exchange,
  };
}

function reportAccepted({ id, task_info, usage }: WireAccepted): SubmitReport {
  return {
    kind: 'ACCEPTED',
    providerTaskId: id,
    credits: usage.credits_reserved,
    etaSeconds: task_info.estimated_time,
  };
}
