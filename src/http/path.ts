import type { IncomingMessage } from 'node:http';

/** Where a request goes, without what it asks for there. */
export function pathOf({ url = '/' }: Pick<IncomingMessage, 'url'>): string {
  return url.split('?', 1)[0] ?? '/';
}

/** The same for a log: the rest of a callback's address is the secret that proves it. */
export function loggedPathOf(request: Pick<IncomingMessage, 'url'>): string {
  return pathOf(request).replace(/(\/webhooks\/[^/]+\/).+/s, '$1[redacted]');
}
