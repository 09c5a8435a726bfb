import { createHash } from 'node:crypto';

const DATA_URI = /^data:([\w.+-]+\/[\w.+-]+);base64,/;

/** The same body as it is stored: of each data URI only its type, the digest of its bytes, and how many they are. */
export function shortenBody<Body>(body: Body): Body {
  return shorten(body) as Body;
}

function shorten(value: unknown): unknown {
  if (typeof value === 'string') return shortenUri(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(shorten);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, shorten(item)]));
}

function shortenUri(text: string): string {
  const [head, type] = DATA_URI.exec(text) ?? [];
  if (head === undefined) return text;
  const bytes = Buffer.from(text.slice(head.length), 'base64');
  return `data:${type};sha256=${createHash('sha256').update(bytes).digest('hex')};bytes=${bytes.length}`;
}
