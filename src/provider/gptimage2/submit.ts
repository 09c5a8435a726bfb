import type { SubmitReport } from '../../generation/provider-report.ts';
import { type Access, sendBody } from '../access.ts';
import type { Answer } from '../provider.ts';
import { readSubmitted } from '../read-submitted.ts';
import { isModeration } from './failures.ts';
import { parseAccepted, parseSaid } from './wire.ts';

/** Sends one body once (seed 000 §3.2, step 1). Its advice to repeat after a 5xx would pay twice (providers.md §1.6). */
export async function submit(
  access: Access,
  body: Record<string, unknown>,
  signal: AbortSignal,
): Promise<Answer<SubmitReport>> {
  const called = await sendBody(access, '/v1/images/generations', body, signal);
  return readSubmitted(called, { provider: 'GPTImage2', parseAccepted, parseSaid, isModeration });
}
