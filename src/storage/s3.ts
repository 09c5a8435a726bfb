import { randomUUID } from 'node:crypto';
import type { Dispatcher } from 'undici';
import { checkKey } from './key.ts';
import { receiveFile } from './receive.ts';
import { createS3Client, type S3Access, type S3Client, SHORT_TIMEOUT_MS } from './s3-client.ts';
import { explain, S3Refusal } from './s3-error.ts';
import { putFile } from './s3-put.ts';
import type { ByteRange, Kept, Storage } from './storage.ts';
import { sweepFolder } from './sweep.ts';

/** However slowly a client reads: a picture of 64 MiB at 1 Mbit/s. Whoever is cut off goes on with a range. */
const LONGEST_READ_MS = 10 * 60_000;

export interface S3Options extends S3Access {
  /** Before every key: empty, or a path that ends with a slash. */
  prefix: string;
  /** A local folder where files lie until S3 has them. */
  spool: string;
}

/** Keeps files in a bucket of S3 or of what speaks its protocol. */
export function createS3Storage({ prefix, spool, ...access }: S3Options): Storage {
  const client = createS3Client(access);
  const objectOf = (key: string) => {
    checkKey(key);
    return `${prefix}${key}`;
  };
  const receive = () => receiveFile(spool, ({ path }, key, patience) => putFile(client, path, objectOf(key), patience));

  return {
    receive,
    open: async (key, range) => await openObject(client, key, objectOf(key), range),
    sizeOf: async (key) => await measure(client, key, objectOf(key)),
    remove: async (key) => await removeObject(client, key, objectOf(key)),
    sweep: () => sweepFolder(spool),
    async check() {
      const key = `check-${randomUUID()}`;
      const tried = await receive();
      await tried.write(Buffer.from('can this be written?'));
      try {
        await tried.keep(key);
        await removeObject(client, key, objectOf(key));
        await expectMissing(client, `${key}-never-kept`, objectOf(`${key}-never-kept`));
      } catch (error) {
        throw new Error(explain((error as Error).cause ?? error), { cause: error });
      }
    },
    stop: client.stop,
  };
}

async function openObject(client: S3Client, key: string, object: string, range?: ByteRange): Promise<Kept | null> {
  const headers = range && { range: `bytes=${range.start}-${range.end}` };
  try {
    const response = await client.send({
      method: 'GET',
      object,
      timeoutMs: SHORT_TIMEOUT_MS,
      ...(headers && { headers }),
    });
    return toKept(response, range);
  } catch (cause) {
    if (isMissing(cause)) return null;
    throw new Error(`Could not open ${key}.`, { cause });
  }
}

function toKept({ headers, body }: Dispatcher.ResponseData, range?: ByteRange): Kept {
  // Whoever reads it hears of its errors; one that is destroyed unread has nobody.
  body.on('error', () => {});
  const byteSize = range ? sizeInRange(headers['content-range'], range) : Number(headers['content-length']);
  if (!Number.isSafeInteger(byteSize)) {
    body.destroy();
    throw new Error('S3 sent other bytes than those asked for');
  }
  const timer = setTimeout(() => body.destroy(new Error('The picture was read too slowly')), LONGEST_READ_MS);
  body.once('close', () => clearTimeout(timer));
  return { stream: body, byteSize };
}

/** The size of the whole; NaN when it is not the range that was asked for, cut at the end of the file. */
function sizeInRange(contentRange: string | string[] | undefined, { start, end }: ByteRange): number {
  const [, from, to, size] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(String(contentRange)) ?? [];
  const asked = Number(from) === start && Number(to) === Math.min(end, Number(size) - 1);
  return asked ? Number(size) : Number.NaN;
}

async function measure(client: S3Client, key: string, object: string): Promise<number | null> {
  try {
    const { headers, body } = await client.send({ method: 'HEAD', object, timeoutMs: SHORT_TIMEOUT_MS });
    await body.dump();
    return Number(headers['content-length']);
  } catch (cause) {
    // HEAD has no body, and so no word for a bucket that is gone: a 404 is a missing file.
    if (cause instanceof S3Refusal && cause.status === 404) return null;
    throw new Error(`Could not open ${key}.`, { cause });
  }
}

async function removeObject(client: S3Client, key: string, object: string): Promise<void> {
  try {
    const { body } = await client.send({ method: 'DELETE', object, timeoutMs: SHORT_TIMEOUT_MS });
    await body.dump();
  } catch (cause) {
    if (!isMissing(cause)) throw new Error(`Could not remove ${key}.`, { cause });
  }
}

/** Without s3:ListBucket the answer is 403: a picture that is gone would look like one that is forbidden. */
async function expectMissing(client: S3Client, key: string, object: string): Promise<void> {
  const found = await openObject(client, key, object);
  found?.stream.destroy();
  if (found) throw new Error('S3 answers for a file that was never kept');
}

/** NoSuchBucket is a 404 too, and no reason to believe that a picture is gone. */
function isMissing(error: unknown): boolean {
  return error instanceof S3Refusal && error.status === 404 && error.code !== 'NoSuchBucket';
}
