import type { ServerResponse } from 'node:http';
import { createModelArk } from '../../src/provider/modelark/modelark.ts';
import type { Provider } from '../../src/provider/provider.ts';
import { toOptions } from './adapters.ts';
import { createRequest, SENDING } from './gptimage2.ts';

export function createModelArkAt(baseUrl: string, submitTimeoutMs = 5_000): Provider {
  return createModelArk({ ...toOptions(baseUrl), submitTimeoutMs });
}

/** The body of a request for one image, or for a series. */
export function orderOf(provider: Provider, images = 1): Record<string, unknown> {
  return provider.compose(createRequest({ images, series: images > 1 }), SENDING);
}

/** One event as ModelArk sends it: `event:` equals `data.type` (providers.md §2.1). */
export function sse(type: string, more: Record<string, unknown> = {}): string {
  const data = { type: `image_generation.${type}`, model: 'seedream-5-0-260128', created: 1757388756, ...more };
  return `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
}

export function picture(index: number): string {
  return sse('partial_succeeded', { image_index: index, url: urlOf(index), size: '2048x2048' });
}

export function urlOf(index: number): string {
  return `https://ark.example/${index}.jpeg?X-Tos-Signature=abc`;
}

export function noPicture(index: number, code: string): string {
  return sse('partial_failed', { image_index: index, error: { code, message: `no ${index}` } });
}

export const COMPLETED = sse('completed', { usage: { generated_images: 2 } });
export const DONE = 'data: [DONE]\n\n';

export function fault(code: string): string {
  return `data: ${JSON.stringify({ error: { code, message: 'no' } })}\n\n`;
}

/** Sends these pieces as events; `end` as the last thing: the end of the answer, or of the connection. */
export function stream(pieces: readonly (string | Buffer)[], end: 'END' | 'BREAK' = 'END') {
  return async (response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    for (const piece of pieces) {
      await new Promise((resolve) => response.write(piece, resolve));
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (end === 'END') response.end();
    // What is still on its way would be lost with a reset.
    else setTimeout(() => response.destroy(), 20);
  };
}
