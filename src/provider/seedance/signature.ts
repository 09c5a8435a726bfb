import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * Whether `X-Seedance-Signature` is the hex HMAC-SHA256 of the raw body (seed 004, "Webhook Security"). It has no time and
 * no id, so a genuine body may be a replay.
 */
export function isGenuine(
  secret: string,
  raw: Buffer,
  headers: Readonly<Record<string, string | string[] | undefined>>,
): boolean {
  const signature = headers['x-seedance-signature'];
  if (typeof signature !== 'string') return false;
  const expected = Buffer.from(createHmac('sha256', secret).update(raw).digest('hex'));
  const given = Buffer.from(signature.toLowerCase());
  return given.length === expected.length && timingSafeEqual(given, expected);
}
