import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { schema } from '../graphql/schema.ts';
import { isFresh } from './asset-conditions.ts';
import { madeOnce } from './made-once.ts';

export interface Page {
  serve(req: IncomingMessage, res: ServerResponse): Promise<void>;
}

/**
 * GraphiQL as one page that loads nothing from elsewhere: 9 MB, compressed once, cached by its ETag. It is made for the
 * first visitor: making it would take a third of the time of a start.
 */
export function createGraphiqlPage({ introspection }: { introspection: boolean }): Page {
  const page = madeOnce(() => make(introspection));
  const compressed = madeOnce(async () => promisify(gzip)((await page()).body));

  return {
    async serve(req, res) {
      const { body, headers } = await page();
      if (isFresh(req.headers, headers.etag)) return void res.writeHead(304, headers).end();
      const zip = takesGzip(req.headers['accept-encoding'] ?? '');
      const bytes = zip ? await compressed() : body;
      res.writeHead(200, {
        ...headers,
        'content-type': 'text/html; charset=utf-8',
        'content-length': bytes.byteLength,
        ...(zip && { 'content-encoding': 'gzip' }),
      });
      res.end(req.method === 'HEAD' ? undefined : bytes);
    },
  };
}

async function make(introspection: boolean) {
  const { renderPage } = await import('./graphiql/html.ts');
  const html = renderPage(introspection ? schema : null);
  const headers = {
    etag: `"${hash(html)}"`,
    'cache-control': 'no-cache',
    vary: 'accept, accept-encoding',
    'content-security-policy': policyOf(html),
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'same-origin',
  };
  return { body: Buffer.from(html), headers };
}

function takesGzip(acceptEncoding: string): boolean {
  return /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/i.test(acceptEncoding);
}

/** Only the page's own scripts run, and they reach this service and nothing else. Its editor makes workers from blobs. */
function policyOf(html: string): string {
  const scripts = [...html.matchAll(/<script>(.*?)<\/script>/gs)].map(
    ([, text]) => `'sha256-${hash(text ?? '', 'base64')}'`,
  );
  return [
    "default-src 'none'",
    `script-src ${scripts.join(' ')}`,
    'worker-src blob:',
    "style-src 'unsafe-inline'",
    'font-src data:',
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

function hash(text: string, encoding: 'base64' | 'base64url' = 'base64url'): string {
  return createHash('sha256').update(text).digest(encoding);
}
