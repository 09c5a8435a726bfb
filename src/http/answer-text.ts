import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';

/** Answers in words that nobody keeps. */
export function answerText(res: ServerResponse, status: number, text: string, headers: OutgoingHttpHeaders = {}): void {
  const common = { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' };
  res.writeHead(status, { ...common, ...headers }).end(text);
}
