import type { Exchange } from '../generation/provider-report.ts';

/** The record of an exchange with what was odd about its answer; what went wrong with the call itself stays. */
export function note(exchange: Exchange, oddity: string | null): Exchange {
  return { ...exchange, error: exchange.error ?? oddity };
}
