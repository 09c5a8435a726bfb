/** `URL.canParse` of Node 20, once compiled after some thousand calls, finds no URL in one whose host is not ASCII. */
export function isHttpUrl(text: unknown): text is string {
  if (typeof text !== 'string' || !/^https?:\/\//i.test(text)) return false;
  try {
    return new URL(text).host !== '';
  } catch {
    return false;
  }
}
