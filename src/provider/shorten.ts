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

/** The same body with the beginning of each picture in it: of megabytes of base64 nothing is worth looking through. */
export function shortenPictures(body: unknown): unknown {
  return mapStrings(body, (text) => (isPicture(text) ? cut(text, 40) : text));
}

function shortenStrings(body: unknown): unknown {
  return mapStrings(body, (text) => cut(text, isPicture(text) ? 40 : MAX_STRING));
}

function isPicture(text: string): boolean {
  return text.length > 200 && text.startsWith('data:');
}

function mapStrings(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => mapStrings(item, change));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapStrings(item, change)]));
}
