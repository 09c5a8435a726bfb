/** A base URL with its path prefix and without a slash at the end, ready for a documented path; throws when it is no http URL. */
export function toRoot(baseUrl: string): string {
  const { protocol, origin, pathname } = new URL(baseUrl);
  if (protocol !== 'http:' && protocol !== 'https:') throw new Error(`A provider's base URL must be http or https.`);
  return (origin + pathname).replace(/\/+$/, '');
}
