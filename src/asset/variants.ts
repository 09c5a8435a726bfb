import { createHash } from 'node:crypto';
import { addAbortSignal } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { Storage } from '../storage/storage.ts';
import { createTurns, type TakeTurn } from '../turns.ts';
import type { StoredFile } from './find-stored.ts';
import { openStored } from './open-stored.ts';
import { nameOf, type Variant } from './variant.ts';
import { drawVariant, RECIPE } from './variant-draw.ts';

/** With the two that may look at pictures coming in, three of libuv's four threads: the last one serves files. */
const AT_ONCE = 1;
const PATIENCE_MS = 10_000;
const READ_TIMEOUT_MS = 10_000;

const MIME_TYPES = { jpg: 'image/jpeg', png: 'image/png', webp: 'image/webp', avif: 'image/avif' };

export interface Variants {
  /**
   * The file of a variant, made now unless it is kept already; null when the original's file is not there. Throws
   * Busy when its turn does not come within ten seconds.
   */
  ensure(original: StoredFile, variant: Variant): Promise<StoredFile | null>;
}

/** The tag of a variant, known before it is made: the same picture, recipe and variant give the same bytes. */
export function tagOf(original: StoredFile, variant: Variant): string {
  return createHash('sha256')
    .update(`${original.tag} ${RECIPE} ${nameOf(variant)}`)
    .digest('hex');
}

/** Makes each variant once and keeps it beside its original. Two processes may make the same: the same bytes, twice. */
export function createVariants(storage: Storage, takeTurn: TakeTurn = createTurns(AT_ONCE, PATIENCE_MS)): Variants {
  const underway = new Map<string, Promise<number | null>>();

  /** Whoever asks meanwhile waits for the same. */
  function begin(storageKey: string, original: StoredFile, variant: Variant): Promise<number | null> {
    const run = findOrMake(storage, takeTurn, original, variant, storageKey).finally(() => underway.delete(storageKey));
    underway.set(storageKey, run);
    return run;
  }

  return {
    async ensure(original, variant) {
      const storageKey = keyOf(original, variant);
      const byteSize = await (underway.get(storageKey) ?? begin(storageKey, original, variant));
      if (byteSize === null) return null;
      return { storageKey, mimeType: MIME_TYPES[variant.extension], byteSize, tag: tagOf(original, variant) };
    },
  };
}

/** All variants of a picture begin with its key without the extension and a slash: one prefix to delete. */
function keyOf({ storageKey }: StoredFile, variant: Variant): string {
  return `${storageKey.replace(/\.\w+$/, '')}/${RECIPE}-${nameOf(variant)}`;
}

/** Keys begin with it; no workspace waits behind all that another has asked for. */
function workspaceOf({ storageKey }: StoredFile): string {
  return storageKey.slice(0, storageKey.indexOf('/'));
}

async function findOrMake(
  storage: Storage,
  takeTurn: TakeTurn,
  original: StoredFile,
  variant: Variant,
  storageKey: string,
): Promise<number | null> {
  const kept = await storage.sizeOf(storageKey);
  if (kept !== null) return kept;
  const drawn = await takeTurn(async () => {
    const bytes = await readFile(storage, original);
    return bytes && (await drawVariant(bytes, variant));
  }, workspaceOf(original));
  if (!drawn) return null;
  await keepFile(storage, storageKey, drawn);
  return drawn.length;
}

/** At most 64 MiB, and only of one picture at a time. */
async function readFile(storage: Storage, original: StoredFile): Promise<Buffer | null> {
  const file = await openStored(storage, original);
  return file && (await buffer(addAbortSignal(AbortSignal.timeout(READ_TIMEOUT_MS), file.stream)));
}

async function keepFile(storage: Storage, key: string, bytes: Buffer): Promise<void> {
  const incoming = await storage.receive();
  try {
    await incoming.write(bytes);
    await incoming.keep(key);
  } finally {
    await incoming.discard();
  }
}
