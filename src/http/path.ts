import type { IncomingMessage } from 'node:http';

/** Where a request goes, without what it asks for there. */
export function pathOf({ url = '/' }: Pick<IncomingMessage, 'url'>): string {
  return url.split('?', 1)[0] ?? '/';
}
