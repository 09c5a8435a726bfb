const MAX_STRING = 2_000;
const MAX_BODY = 8_192;

/** A body small enough to keep: pictures and long strings shortened, and past 8,192 characters only its beginning, as text. */
export function shorten(body: unknown): unknown {
  const short = shortenStrings(body);
  const text = JSON.stringify(short) ?? '';
  return text.length > MAX_BODY ? cut(text, MAX_BODY) : short;
}

/** The first characters of a text, and how many follow. */
export function cut(text: string, length: number): string {
  if (text.length <= length) return text;
  // A cut may fall between the halves of one character.
  const start = text.slice(0, length).replace(/[\uD800-\uDBFF]$/, '');
  return `${start}… (${text.length - start.length} more characters)`;
}

function shortenStrings(value: unknown): unknown {
  if (typeof value === 'string') return cut(value, value.startsWith('data:') ? 40 : MAX_STRING);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(shortenStrings);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, shortenStrings(item)]));
}
