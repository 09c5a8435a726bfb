import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import S3rver from 's3rver';
import { judgeSignature } from './signature.ts';

export const BUCKET = 'darkroom';
export const KEY_ID = 'AKIAOFTHETESTS';
export const SECRET = 'the-secret-of-the-tests';

/** What is done to the next request of this method, instead of answering it well. */
export type Trouble = {
  method: string;
  /** 503; 403; no answer; a byte changed on the way in; half of it stored and acknowledged; half of the answer sent. */
  act: 'BUSY' | 'FORBID' | 'SILENT_CUT' | 'GARBLE' | 'SHORTEN' | 'CUT_HALF' | 'HANG';
};

export interface S3Server {
  endpoint: string;
  /** `PUT /darkroom/key` and so on, in order. */
  seen: string[];
  /** The session tokens among them. */
  tokens: unknown[];
  troubles: Trouble[];
  /** Refuses connections on its port, and listens again. */
  goAway(): Promise<void>;
  comeBack(): Promise<void>;
  stop(): Promise<void>;
}

/** s3rver, with a door in front of it that checks signatures and digests as S3 does, and makes trouble on demand. */
export async function startS3(): Promise<S3Server> {
  const directory = await mkdtemp(path.join(tmpdir(), 'darkroom-s3-'));
  const store = new S3rver({
    address: '127.0.0.1',
    port: 0,
    directory,
    silent: true,
    configureBuckets: [{ name: BUCKET }],
  });
  const behind = `http://127.0.0.1:${(await store.run()).port}`;
  const seen: string[] = [];
  const tokens: unknown[] = [];
  const troubles: Trouble[] = [];
  const door = createServer((req, res) => {
    const at = troubles.findIndex(({ method }) => method === req.method);
    const [trouble] = at < 0 ? [] : troubles.splice(at, 1);
    seen.push(`${req.method} ${req.url}`);
    if (req.headers['x-amz-security-token']) tokens.push(req.headers['x-amz-security-token']);
    pass(req, res, behind, trouble?.act ?? null).catch(() => res.destroy());
  });
  await once(door.listen(0, '127.0.0.1'), 'listening');
  const { port } = door.address() as AddressInfo;

  async function goAway(): Promise<void> {
    const closed = once(door.close(), 'close');
    door.closeAllConnections();
    await closed;
  }

  return {
    endpoint: `http://127.0.0.1:${port}`,
    seen,
    tokens,
    troubles,
    goAway,
    async comeBack() {
      await once(door.listen(port, '127.0.0.1'), 'listening');
    },
    async stop() {
      if (door.listening) await goAway();
      await store.close();
      await rm(directory, { recursive: true });
    },
  };
}

async function pass(
  req: IncomingMessage,
  res: ServerResponse,
  behind: string,
  act: Trouble['act'] | null,
): Promise<void> {
  if (act === 'HANG') return;
  const body = await buffer(req);
  if (act === 'GARBLE') body[0] = ~(body[0] ?? 0);
  if (act === 'SILENT_CUT') return void res.destroy();
  if (act === 'BUSY') return refuse(res, 503, 'SlowDown');
  if (act === 'FORBID') return refuse(res, 403, 'AccessDenied');
  const fault = judgeSignature(req, body, { id: KEY_ID, secret: SECRET });
  if (fault) return refuse(res, /Digest|Mismatch$/.test(fault) && fault !== 'SignatureDoesNotMatch' ? 400 : 403, fault);
  const stored = act === 'SHORTEN' ? body.subarray(0, body.length / 2) : body;
  const answer = await fetch(`${behind}${req.url}`, {
    method: req.method ?? '',
    headers: { 'x-amz-door': 'open', connection: 'close', ...(req.headers.range && { range: req.headers.range }) },
    ...(stored.length > 0 && { body: stored }),
  });
  const bytes = Buffer.from(await answer.arrayBuffer());
  const { 'transfer-encoding': _chunked, connection: _connection, ...headers } = Object.fromEntries(answer.headers);
  res.writeHead(answer.status, headers);
  if (act !== 'CUT_HALF') return void res.end(bytes);
  res.write(bytes.subarray(0, bytes.length / 2), () => res.destroy());
}

/** With all that AWS quotes in such an answer. */
function refuse(res: ServerResponse, status: number, code: string): void {
  const detail = `<AWSAccessKeyId>${KEY_ID}</AWSAccessKeyId><StringToSign>${SECRET}</StringToSign>`;
  res.writeHead(status, { 'content-type': 'application/xml' });
  res.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>No.</Message>${detail}</Error>`);
}
