import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Format } from './picture/picture.ts';
import type { Pictures } from './pictures.ts';
import { getNow, lookAt, type Task } from './task.ts';
import type { TaskBook } from './task-book.ts';

const TYPES: Record<Format, string> = { jpg: 'image/jpeg', png: 'image/png', webp: 'image/webp' };
const HUGE_BYTES = 1024 * 1024 * 1024;
const HTML = '<!doctype html><title>502 Bad Gateway</title><h1>502 Bad Gateway</h1>';

/** Serves `/{provider}/files/{task}/{index}.{format}`, with the fault its prompt asks for. */
export async function serveFile(
  response: ServerResponse,
  provider: string,
  path: string,
  tasks: TaskBook,
  pictures: Pictures,
): Promise<void> {
  const [, id = '', index = '', format = ''] = /^\/files\/([^/]+)\/(\d{1,2})\.(\w+)$/.exec(path) ?? [];
  const task = tasks.find(provider, id);
  // SIM: what is gone, unknown or expired looks the same, as in a bucket of signed links.
  if (!task || !isServed(task, Number(index), format)) return send(response, 403, 'text/plain', 'Request has expired');
  const type = TYPES[format];
  if (task.directives.has('huge-image')) return sendEndless(response, type);
  send(response, 200, type, await drawFile(pictures, task, Number(index), format));
}

/** SIM: a watermark is written behind the prompt. */
export async function drawFile(
  pictures: Pictures,
  { text, watermark, width, height, format: asked, directives }: Task,
  index: number,
  format = asked,
): Promise<Buffer> {
  if (directives.has('bad-image')) return Buffer.from(HTML);
  return pictures.get({ text: watermark ? `${text} · ${watermark}` : text, index, width, height, format });
}

function isServed(task: Task, index: number, format: string): format is Format {
  if (task.directives.has('expired-url')) return false;
  const formats: string[] = [task.format, ...(task.otherFormats ?? [])];
  return formats.includes(format) && index < lookAt(task, getNow()).pictures;
}

function send(response: ServerResponse, status: number, type: string, body: Buffer | string): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

/** A gigabyte without a length, as fast as the client takes it, until the client leaves. */
async function sendEndless(response: ServerResponse, type: string): Promise<void> {
  response.writeHead(200, { 'content-type': type });
  await pipeline(Readable.from(endlessJpeg()), response).catch(() => undefined);
}

function* endlessJpeg(): Generator<Buffer> {
  yield Buffer.from('ffd8ffe000104a46494600010100000100010000', 'hex');
  const noise = Buffer.alloc(64 * 1024, 0x5a);
  for (let sent = 0; sent < HUGE_BYTES; sent += noise.length) yield noise;
}
