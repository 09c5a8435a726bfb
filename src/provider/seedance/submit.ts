import type { SubmitReport } from '../../generation/provider-report.ts';
import { type Access, sendBody } from '../access.ts';
import type { Answer } from '../provider.ts';
import { readSubmitted } from '../read-submitted.ts';
import { isModeration } from './failures.ts';
import { parseAccepted, parseAcceptedBatch, parseSaid } from './wire.ts';

/** Sends one body once. Seed 004 repeats it after any fault, which would pay twice (providers.md §6.5). */
export async function submit(
  access: Access,
  body: Record<string, unknown>,
  signal: AbortSignal,
): Promise<Answer<SubmitReport>> {
  const orders = Array.isArray(body.generations) ? body.generations.length : null;
  const path = `/v1/images/${orders === null ? 'generate' : 'batch'}`;
  const called = await sendBody(access, path, body, signal);
  const parse = (answer: unknown) => (orders === null ? parseAccepted(answer) : parseAcceptedBatch(answer, orders));
  return readSubmitted(called, { provider: 'Seedance', parseAccepted: parse, parseSaid, isModeration });
}
