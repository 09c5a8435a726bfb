import type { SubmitReport } from '../../generation/provider.ts';
import { type Access, bodyOf, sendBody } from '../access.ts';
import { soundsModerated } from '../moderation.ts';
import type { Answer } from '../provider.ts';
import { NOTHING_SAID } from '../trouble.ts';
import { reportUnaccepted } from '../unaccepted.ts';
import { parseAccepted, parseSaid } from './wire.ts';

/** Sends one body once: each that arrives is a new task and is charged, whatever its headers say (providers.md §4.4). */
export async function submit(
  access: Access,
  body: Record<string, unknown>,
  signal: AbortSignal,
): Promise<Answer<SubmitReport>> {
  const { outcome, exchange } = await sendBody(access, '/api/v1/images/generations', body, signal);
  const success = bodyOf(outcome);
  const id = success && parseAccepted(success.body);
  if (id) return { report: { kind: 'ACCEPTED', providerTaskId: id, credits: null, etaSeconds: null }, exchange };

  const said = outcome.kind === 'ANSWERED' ? parseSaid(outcome.body) : NOTHING_SAID;
  const report = reportUnaccepted('reAPI', outcome, said, soundsModerated(said));
  return {
    report,
    exchange: success ? { ...exchange, error: exchange.error ?? 'the answer names no task' } : exchange,
  };
}
