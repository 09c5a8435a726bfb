import { CALLBACK_TOKENS } from '../generation/callback-token.ts';

const MAX_DEPTH = 64;

/**
 * JSON from outside, fit to be stored and shown: no secret and no token of a callback in any string or key, and nothing
 * that PostgreSQL's jsonb refuses (NUL, lone surrogates, thousands of levels).
 */
export function clean(value: unknown, secrets: readonly string[], depth = 0): unknown {
  if (typeof value === 'string') return cleanText(value, secrets);
  if (typeof value !== 'object' || value === null) return value;
  if (depth === MAX_DEPTH) return '[too deep]';
  if (Array.isArray(value)) return value.map((item) => clean(item, secrets, depth + 1));
  // fromEntries defines own properties: a key `__proto__` stays a key.
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [cleanText(key, secrets), clean(item, secrets, depth + 1)]),
  );
}

export function cleanText(text: string, secrets: readonly string[]): string {
  let cleaned = text.replaceAll('\0', '\uFFFD').replace(/\p{Surrogate}/gu, '\uFFFD');
  // A provider may repeat the address it was given in any answer; who reads it could call there too.
  cleaned = cleaned.replace(CALLBACK_TOKENS, '[redacted]');
  for (const secret of secrets) {
    if (secret) cleaned = cleaned.replaceAll(secret, '[redacted]');
  }
  return cleaned;
}
