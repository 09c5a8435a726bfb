import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { StoredFile } from '../asset/find-stored.ts';
import type { Links, LinkTarget } from '../asset/link.ts';
import { openStored } from '../asset/open-stored.ts';
import { nameOf, type Variant } from '../asset/variant.ts';
import { tagOf, type Variants } from '../asset/variants.ts';
import type { Kept, Storage } from '../storage/storage.ts';
import { Busy } from '../turns.ts';
import { chooseRange, isFresh, type Part } from './asset-conditions.ts';

interface AssetSources {
  links: Links;
  storage: Storage;
  variants: Variants;
  /** The file of an asset that is STORED now, null for any other. */
  findStored: (assetId: string) => Promise<StoredFile | null>;
}

/** A link is the permission: whoever holds one may draw the picture, from any page, and nothing else with it. */
const ALWAYS = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'accept-ranges, content-length, content-range, etag',
  'content-security-policy': "default-src 'none'; sandbox",
  'cross-origin-resource-policy': 'cross-origin',
  'x-content-type-options': 'nosniff',
};

const RETRY_AFTER_SECONDS = '5';

/**
 * Serves GET and HEAD of `/assets/<id>.<ext>` and `/assets/<id>/<variant>.<ext>`. Rejects, for the server to log and answer with 500, when the file of a
 * stored asset is missing or of the wrong size: a 404 would tell caches and clients that the picture does not exist,
 * while it is more likely that a disk is not mounted.
 */
export function createAssetHandler(
  sources: AssetSources,
): (req: IncomingMessage, res: ServerResponse) => Promise<void> {
  const { links } = sources;
  return async (req, res) => {
    if (req.method !== 'GET' && req.method !== 'HEAD')
      return refuse(res, 405, 'Only GET and HEAD.', { allow: 'GET, HEAD' });
    const now = new Date();
    const link = links.verify(req.url ?? '', now);
    if ('refused' in link && link.refused === 'EXPIRED')
      return refuse(res, 410, 'This link has expired; read a new one.');
    if ('refused' in link) return refuse(res, 403, 'This link is not valid.');
    const original = await sources.findStored(link.assetId);
    if (!original) return refuse(res, 404, 'There is no such picture.');

    const etag = `"${link.variant ? tagOf(original, link.variant) : original.tag}"`;
    const maxAge = Math.floor((link.expiresAt.getTime() - now.getTime()) / 1000);
    const headers = { ...ALWAYS, etag, 'cache-control': `private, max-age=${maxAge}, immutable` };
    if (isFresh(req.headers, etag)) return end(res, 304, headers);
    const stored = link.variant ? await make(sources, link.assetId, original, link.variant) : original;
    if (stored === 'BUSY')
      return refuse(res, 503, 'Too many pictures are being made; ask again.', { 'retry-after': RETRY_AFTER_SECONDS });
    if (!stored) return refuse(res, 404, 'There is no such picture.');
    const part = chooseRange(req.headers, etag, stored.byteSize);
    if (!part) return refuse(res, 416, 'No such range.', { 'content-range': `bytes */${stored.byteSize}` });

    const described = {
      ...headers,
      ...describePart(part, stored.byteSize),
      'content-type': stored.mimeType,
      'content-disposition': `inline; filename="${fileNameOf(link)}"`,
    };
    const status = part.whole ? 200 : 206;
    if (req.method === 'HEAD') return end(res, status, described);
    const file = await open(sources, link.assetId, stored, part);
    if (!file) return refuse(res, 404, 'There is no such picture.');
    await send(res, status, described, file);
  };
}

/** The variant, made if need be; null when the asset was deleted since it was looked up. */
async function make(
  { variants, findStored }: AssetSources,
  assetId: string,
  original: StoredFile,
  variant: Variant,
): Promise<StoredFile | 'BUSY' | null> {
  try {
    const made = await variants.ensure(original, variant);
    if (made || !(await findStored(assetId))) return made;
  } catch (error) {
    if (error instanceof Busy) return 'BUSY';
    throw error;
  }
  throw new Error(`The file ${original.storageKey} is missing.`);
}

function fileNameOf({ assetId, variant, extension }: LinkTarget): string {
  return variant ? `${assetId}-${nameOf(variant)}` : `${assetId}.${extension}`;
}

/** Opens the file; null when the asset was deleted since it was looked up. */
async function open(
  { storage, findStored }: AssetSources,
  assetId: string,
  stored: StoredFile,
  { start, end }: Part,
): Promise<Kept | null> {
  const file = await openStored(storage, stored, { start, end });
  if (file || !(await findStored(assetId))) return file;
  throw new Error(`The file ${stored.storageKey} is missing.`);
}

function describePart({ whole, start, end }: Part, byteSize: number): OutgoingHttpHeaders {
  const described = { 'accept-ranges': 'bytes', 'content-length': end - start + 1 };
  return whole ? described : { ...described, 'content-range': `bytes ${start}-${end}/${byteSize}` };
}

/** A client that leaves ends the reading too, and is no error. */
async function send(res: ServerResponse, status: number, headers: OutgoingHttpHeaders, file: Kept): Promise<void> {
  if (res.destroyed) {
    file.stream.destroy();
    return;
  }
  res.writeHead(status, headers);
  try {
    await pipeline(file.stream, res);
  } catch (error) {
    const left = error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';
    if (!left) throw error;
  }
}

function end(res: ServerResponse, status: number, headers: OutgoingHttpHeaders): void {
  res.writeHead(status, headers).end();
}

function refuse(res: ServerResponse, status: number, message: string, headers: OutgoingHttpHeaders = {}): void {
  const described = { ...ALWAYS, 'cache-control': 'no-store', 'content-type': 'application/json', ...headers };
  res.writeHead(status, described).end(JSON.stringify({ message }));
}
