import type { SubmitReport } from '../../generation/provider-report.ts';
import { type Access, bodyOf, sendBody } from '../access.ts';
import type { Outcome } from '../call.ts';
import { findSaid } from '../find-said.ts';
import { note } from '../note.ts';
import type { Answer, OnPartial } from '../provider.ts';
import { NOTHING_SAID, type Said } from '../trouble.ts';
import { reportUnaccepted } from '../unaccepted.ts';
import { isModeratedOutput, isModeration, statusOf, toImageTrouble } from './failures.ts';
import { createHearing } from './hearing.ts';
import { parseAnswer, parseEvent } from './wire.ts';

/** Sends one body once, and stays until the last image is there: nobody can be asked about them later. */
export async function submit(
  access: Access,
  body: Record<string, unknown>,
  signal: AbortSignal,
  onPartial: OnPartial,
): Promise<Answer<SubmitReport>> {
  const hearing = createHearing(mostImagesOf(body));
  let told = Promise.resolve();
  const onEvent = (data: unknown) => {
    const event = parseEvent(data);
    if (!event || !hearing.hear(event)) return;
    const { soFar } = hearing;
    // What could not be stored just now is told again with the next one, and at the end.
    told = told.then(() => onPartial(soFar)).catch(() => {});
  };
  const { outcome, exchange } = await sendBody(access, '/api/v3/images/generations', body, signal, onEvent);
  await told;

  const success = bodyOf(outcome);
  const events = (success && parseAnswer(success.body)) ?? [];
  for (const event of events) hearing.hear(event);
  const finished = hearing.finished();
  if (finished) return { report: finished, exchange };

  const answered = outcome.kind === 'ANSWERED' ? outcome.body : null;
  const said = hearing.fault ?? findSaid(answered) ?? NOTHING_SAID;
  const oddity = success && said === NOTHING_SAID ? 'the answer ends before it is complete' : null;
  return { report: reportFault(outcome, said), exchange: note(exchange, oddity) };
}

/** A request for one image, or for a series with as many as it may have. */
export function mostImagesOf(body: Record<string, unknown>): number {
  const options = body.sequential_image_generation_options;
  const most = typeof options === 'object' && options && 'max_images' in options ? options.max_images : 1;
  return typeof most === 'number' ? most : 1;
}

function reportFault(outcome: Outcome, said: Said): SubmitReport {
  const judged = outcome.kind === 'ANSWERED' ? { ...outcome, status: statusOf(outcome.status, said) } : outcome;
  const report = reportUnaccepted('ModelArk', judged, said, isModeration(said));
  const isOutput = report.kind === 'REFUSED' && isModeratedOutput(said);
  return isOutput ? { kind: 'REFUSED', failure: toImageTrouble(said) } : report;
}
