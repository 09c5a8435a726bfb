/** Null for what is none. `URL.canParse` of Node 20 goes wrong, once compiled, where a host is not ASCII. */
export function readUrl(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}
