import type { Exchange, PollReport } from '../generation/provider-report.ts';
import { note } from './note.ts';
import type { Answer } from './provider.ts';

/** What one answer says of a task. */
export interface Reading {
  report: PollReport;
  /** What was odd about the answer. */
  oddity: string | null;
}

export function plain(report: PollReport): Reading {
  return { report, oddity: null };
}

export function toAnswer({ report, oddity }: Reading, exchange: Exchange): Answer<PollReport> {
  return { report, exchange: note(exchange, oddity) };
}
