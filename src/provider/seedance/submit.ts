import type { SubmitReport } from '../../generation/provider.ts';
import { type Access, bodyOf, sendBody } from '../access.ts';
import type { Answer } from '../provider.ts';
import { NOTHING_SAID } from '../trouble.ts';
import { reportUnaccepted } from '../unaccepted.ts';
import { parseAccepted, parseAcceptedBatch, parseSaid, type WireAccepted } from './wire.ts';

/** Sends one body once. Seed 004 repeats it after any fault, which would pay twice (providers.md §6.5). */
export async function submit(
  access: Access,
  body: Record<string, unknown>,
  signal: AbortSignal,
): Promise<Answer<SubmitReport>> {
  const orders = Array.isArray(body.generations) ? body.generations.length : null;
  const path = `/v1/images/${orders === null ? 'generate' : 'batch'}`;
  const { outcome, exchange } = await sendBody(access, path, body, signal);
  const success = bodyOf(outcome);
  const accepted = success && parse(success.body, orders);
  if (accepted) {
    const { id: providerTaskId, credits, etaSeconds } = accepted;
    return { report: { kind: 'ACCEPTED', providerTaskId, credits, etaSeconds }, exchange };
  }

  const said = outcome.kind === 'ANSWERED' ? parseSaid(outcome.body) : NOTHING_SAID;
  return {
    report: reportUnaccepted('Seedance', outcome, said, said.code === 'content_policy'),
    exchange: success ? { ...exchange, error: exchange.error ?? 'the answer names no task' } : exchange,
  };
}

function parse(body: unknown, orders: number | null): WireAccepted | null {
  return orders === null ? parseAccepted(body) : parseAcceptedBatch(body, orders);
}
