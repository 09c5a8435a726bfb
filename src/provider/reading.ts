import type { Exchange, PollReport } from '../generation/provider.ts';
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

/** The reading with the record of its exchange, which says what was odd. */
export function toAnswer({ report, oddity }: Reading, exchange: Exchange): Answer<PollReport> {
  return { report, exchange: { ...exchange, error: exchange.error ?? oddity } };
}
