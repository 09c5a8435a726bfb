import type { DownloadResult } from '../fetch/download.ts';
import type { GuardedFetch } from '../fetch/guarded-fetch.ts';
import type { Storage } from '../storage/storage.ts';
import { inspectImage } from './inspect.ts';

const MAX_BYTES = 64 * 1024 * 1024;
const TIMEOUT_MS = 120_000;

/** What was measured of an image once its bytes were safe. */
export interface StoredFacts {
  storageKey: string;
  mimeType: string;
  byteSize: number;
  width: number;
  height: number;
  sha256: string;
  thumbhash: string;
}

/** What became of one attempt to bring an image home. `why` is a sentence for its owner. */
export type KeepResult =
  | { kind: 'KEPT'; facts: StoredFacts }
  /** The provider no longer serves this URL; a fresh one may work. */
  | { kind: 'STALE_URL'; why: string }
  /** Nothing was learned; try again later. */
  | { kind: 'TRY_AGAIN'; why: string }
  /** What the URL serves is not an image we keep. Another attempt may find it repaired. */
  | { kind: 'INVALID'; why: string }
  /** It must not or cannot be fetched, now or later. */
  | { kind: 'UNUSABLE'; code: 'RESULT_UNAVAILABLE' | 'RESULT_INVALID'; why: string };

export interface Keepable {
  workspaceId: string;
  generationId: string;
  id: string;
  providerUrl: string;
}

/**
 * Downloads an image through the guarded fetch into a temporary file, looks at what it really is, and keeps it under
 * its own key: durable before this returns KEPT. Throws when the storage does, once it has been asked for some minutes
 * or `signal` aborts; then no file is left behind.
 */
export async function keepImage(
  { fetch, storage }: { fetch: GuardedFetch; storage: Storage },
  asset: Keepable,
  { allowedHosts, signal }: { allowedHosts: readonly string[]; signal: AbortSignal },
): Promise<KeepResult> {
  const incoming = await storage.receive();
  try {
    const options = { maxBytes: MAX_BYTES, timeoutMs: TIMEOUT_MS, signal, allowedHosts };
    const fetched = await fetch.download(asset.providerUrl, options, incoming);
    if (fetched.kind !== 'OK') return notFetched(fetched);
    const image = await inspectImage(incoming.path);
    if (!image.ok)
      return { kind: 'INVALID', why: `What the provider delivered is not an image we keep: ${image.reason}.` };
    const { mimeType, width, height, thumbhash } = image;
    const { byteSize, sha256 } = fetched;
    // Named by content too: a worker that lost its lease may bring other bytes, and must not replace these.
    const name = `${asset.id}-${sha256.slice(0, 16)}.${image.extension}`;
    const storageKey = `${asset.workspaceId}/${asset.generationId}/${name}`;
    await incoming.keep(storageKey, signal);
    return { kind: 'KEPT', facts: { storageKey, mimeType, byteSize, width, height, sha256, thumbhash } };
  } finally {
    await incoming.discard();
  }
}

function notFetched(result: Exclude<DownloadResult, { kind: 'OK' }>): KeepResult {
  switch (result.kind) {
    case 'REFUSED':
      if ([401, 403, 404, 410].includes(result.status)) {
        return { kind: 'STALE_URL', why: `The provider answered ${result.status} where the image should be.` };
      }
      return { kind: 'TRY_AGAIN', why: `The provider answered ${result.status} where the image should be.` };
    case 'FORBIDDEN':
      return { kind: 'UNUSABLE', code: 'RESULT_UNAVAILABLE', why: `The image may not be fetched: ${result.reason}.` };
    case 'TOO_LARGE':
      return {
        kind: 'UNUSABLE',
        code: 'RESULT_INVALID',
        why: `The image is larger than ${MAX_BYTES / 1024 / 1024} MiB.`,
      };
    case 'TIMEOUT':
      return { kind: 'TRY_AGAIN', why: `The image did not arrive within ${TIMEOUT_MS / 1000} s.` };
    case 'UNREACHABLE':
      return { kind: 'TRY_AGAIN', why: `The image could not be fetched: ${result.reason}.` };
  }
}
