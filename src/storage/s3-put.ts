import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type S3Client, SHORT_TIMEOUT_MS } from './s3-client.ts';

/** Of 64 MiB, over every try. */
const PUT_TIMEOUT_MS = 120_000;

/**
 * Stores a local file as an object; S3 shows it whole or not at all. The body's SHA-256 is signed and its MD5 sent
 * along, so that other bytes are refused: every S3 checks at least one of the two. `x-amz-checksum-sha256` would say
 * the same, but B2, older Ceph and older Garage do not take it. Then S3 is asked whether all of it is there.
 */
export async function putFile(client: S3Client, file: string, object: string, patience?: AbortSignal): Promise<void> {
  const { byteSize, sha256, md5 } = await digest(file);
  const stored = await client.send({
    method: 'PUT',
    object,
    timeoutMs: PUT_TIMEOUT_MS,
    headers: { 'content-length': String(byteSize), 'content-md5': md5, 'content-type': 'application/octet-stream' },
    sha256,
    openBody: () => createReadStream(file),
    patience,
  });
  await stored.body.dump();
  const timeoutMs = patience ? PUT_TIMEOUT_MS : SHORT_TIMEOUT_MS;
  const head = await client.send({ method: 'HEAD', object, timeoutMs, patience });
  await head.body.dump();
  const found = Number(head.headers['content-length']);
  if (found !== byteSize) throw new Error(`S3 took ${byteSize} bytes and says that it holds ${found}`);
}

async function digest(file: string): Promise<{ byteSize: number; sha256: string; md5: string }> {
  const [sha256, md5] = [createHash('sha256'), createHash('md5')];
  let byteSize = 0;
  for await (const chunk of createReadStream(file)) {
    byteSize += chunk.length;
    sha256.update(chunk);
    md5.update(chunk);
  }
  return { byteSize, sha256: sha256.digest('hex'), md5: md5.digest('base64') };
}
