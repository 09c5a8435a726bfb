import type { SubmitReport } from '../../generation/provider.ts';
import { type Access, bodyOf, sendBody } from '../access.ts';
import type { Answer } from '../provider.ts';
import { NOTHING_SAID } from '../trouble.ts';
import { reportUnaccepted } from '../unaccepted.ts';
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
  const { outcome, exchange } = await sendBody(access, path, body, signal);
  const success = bodyOf(outcome);
  const id = success && parseAccepted(success.body);
  // What it charges is documented, and stands in no answer.
  if (id) return { report: { kind: 'ACCEPTED', providerTaskId: id, credits: null, etaSeconds: null }, exchange };

  const said = outcome.kind === 'ANSWERED' ? parseSaid(outcome.body) : NOTHING_SAID;
  const report = reportUnaccepted('3D AI Studio', outcome, said, isModeration(said));
  return {
    report,
    exchange: success ? { ...exchange, error: exchange.error ?? 'the answer names no task' } : exchange,
  };
}
