import { createHash, createHmac } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/**
 * Judges AWS Signature Version 4 from its published description, with nothing of the library that signs: the word of
 * S3's own refusal, or null. The fake server behind it looks at the access key's id only.
 */
export function judgeSignature(
  { method = '', url = '', headers }: IncomingMessage,
  body: Buffer,
  key: { id: string; secret: string },
): string | null {
  const form = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/([^,]+), SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/;
  const [, id, scope = '', signed = '', signature] = form.exec(headers.authorization ?? '') ?? [];
  if (!id) return 'AccessDenied';
  if (id !== key.id) return 'InvalidAccessKeyId';
  const [path = '', search = ''] = url.split('?');
  const lines = signed.split(';').map((name) => `${name}:${headers[name]}\n`);
  const digest = String(headers['x-amz-content-sha256']);
  const canonical = [method, path, search, lines.join(''), signed, digest].join('\n');
  const text = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, sha256(canonical)].join('\n');
  const derived = scope.split('/').reduce<Buffer | string>((from, part) => hmac(from, part), `AWS4${key.secret}`);
  if (hmac(derived, text).toString('hex') !== signature) return 'SignatureDoesNotMatch';
  if (sha256(body) !== digest) return 'XAmzContentSHA256Mismatch';
  const md5 = headers['content-md5'];
  return md5 !== undefined && md5 !== createHash('md5').update(body).digest('base64') ? 'BadDigest' : null;
}

function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

function hmac(key: Buffer | string, data: string): Buffer {
  return createHmac('sha256', key).update(data).digest();
}
