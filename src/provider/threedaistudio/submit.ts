import type { SubmitReport } from '../../generation/provider-report.ts';
import { type Access, sendBody } from '../access.ts';
import type { Answer } from '../provider.ts';
import { readSubmitted } from '../read-submitted.ts';
import { isModeration } from './failures.ts';
import { parseAccepted, parseSaid } from './wire.ts';

// The slash at the end is a part of the path.
const GENERATE = '/v1/images/seedream/v5/lite/generate/';
const EDIT = '/v1/images/seedream/v5/lite/edit/';

/** Sends one body once: to edit where it holds source images (seed 003). */
export async function submit(
  access: Access,
  body: Record<string, unknown>,
  signal: AbortSignal,
): Promise<Answer<SubmitReport>> {
  const path = 'image_urls' in body ? EDIT : GENERATE;
  const called = await sendBody(access, path, body, signal);
  return readSubmitted(called, { provider: '3D AI Studio', parseAccepted, parseSaid, isModeration });
}
