import type { IncomingHttpHeaders } from 'node:http';
import parseRange from 'range-parser';

/** The bytes to send, `start` to `end`, both included. */
export interface Part {
  whole: boolean;
  start: number;
  end: number;
}

/** Whether the client has these bytes already (If-None-Match). */
export function isFresh({ 'if-none-match': condition }: IncomingHttpHeaders, etag: string): boolean {
  if (condition === undefined) return false;
  // Compared weakly: a proxy that compresses may have put W/ before our tag.
  const tags = condition.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes(etag) || tags.includes('*');
}

/** What Range and If-Range ask for; null when there is no such part. What is not one range of bytes gets the whole. */
export function chooseRange(headers: IncomingHttpHeaders, etag: string, byteSize: number): Part | null {
  const whole = { whole: true, start: 0, end: byteSize - 1 };
  const { range, 'if-range': condition } = headers;
  if (range === undefined || (condition !== undefined && condition !== etag)) return whole;
  const ranges = parseRange(byteSize, range);
  if (ranges === -1) return null;
  if (ranges === -2 || ranges.type !== 'bytes') return whole;
  const [only, second] = ranges;
  return only && !second ? { whole: false, start: only.start, end: only.end } : whole;
}
