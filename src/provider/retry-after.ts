import type { IncomingHttpHeaders } from 'node:http';

const MAX_SECONDS = 120;

/**
 * How long a provider asks us to wait, in milliseconds, at most two minutes: its `Retry-After` (seconds or a date), or
 * a sentence of its body such as `retry after 60 seconds`. Null where it asked for nothing that can be read.
 */
export function getRetryAfterMs(headers: IncomingHttpHeaders, hint: string | null): number | null {
  const header = headers['retry-after']?.trim() ?? '';
  const seconds = readSeconds(header) ?? readDate(header, headers.date) ?? readHint(hint ?? '');
  if (seconds === null) return null;
  return Math.round(Math.min(Math.max(seconds, 0), MAX_SECONDS) * 1000);
}

function readSeconds(header: string): number | null {
  return /^\d+(\.\d+)?$/.test(header) ? Number(header) : null;
}

function readDate(header: string, answeredAt: string | undefined): number | null {
  const until = toTime(header);
  if (until === null) return null;
  // Against the provider's own clock, where it tells it: ours may be minutes off.
  const now = toTime(answeredAt ?? '') ?? Date.now();
  return (until - now) / 1000;
}

function readHint(hint: string): number | null {
  const seconds = /(\d+(?:\.\d+)?)\s*s(?:ec|\b)/i.exec(hint)?.[1];
  return seconds === undefined ? null : Number(seconds);
}

function toTime(date: string): number | null {
  const time = date.endsWith('GMT') ? Date.parse(date) : Number.NaN;
  return Number.isNaN(time) ? null : time;
}
