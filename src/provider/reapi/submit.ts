import type { SubmitReport } from '../../generation/provider-report.ts';
import { type Access, sendBody } from '../access.ts';
import { soundsModerated } from '../moderation.ts';
import type { Answer } from '../provider.ts';
import { readSubmitted } from '../read-submitted.ts';
import { parseAccepted, parseSaid } from './wire.ts';

/** Sends one body once: each that arrives is a new task and is charged, whatever its headers say (providers.md §4.4). */
export async function submit(
  access: Access,
  body: Record<string, unknown>,
  signal: AbortSignal,
): Promise<Answer<SubmitReport>> {
  const called = await sendBody(access, '/api/v1/images/generations', body, signal);
  return readSubmitted(called, { provider: 'reAPI', parseAccepted, parseSaid, isModeration: soundsModerated });
}
