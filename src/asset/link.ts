import { createSigner } from '../signer.ts';
import { nameOf, parseVariant, type Variant } from './variant.ts';

/** What a good link leads to: the stored file, or a variant of it. */
export interface LinkTarget {
  assetId: string;
  extension: string;
  variant: Variant | null;
  expiresAt: Date;
}

export interface Links {
  /** A link to the stored file of this extension, or to a variant; works for at least `ttlSeconds`, at most half as long again. */
  sign(assetId: string, form: string | Variant, ttlSeconds: number, now: Date): { uri: string; expiresAt: Date };
  /** Judges the target of a request (`req.url`). A link that is both forged and expired is INVALID. */
  verify(target: string, now: Date): LinkTarget | { refused: 'EXPIRED' | 'INVALID' };
}

// The whole target, so that nothing unsigned can ride along.
const TARGET =
  /^(\/assets\/([a-z0-9_]{1,64})(?:\/(\d+x\d+-[a-z]+))?\.([a-z0-9]{1,8})\?expires=(\d{1,11}))&signature=([\w-]{43})$/;

/**
 * Signed links under `publicUrl`, which is asked for at each signature: with PORT=0 it is known only once the server
 * listens. `secrets` is newest first: the first signs, any verifies.
 */
export function createLinks({ publicUrl, secrets }: { publicUrl: () => string; secrets: readonly string[] }): Links {
  const signer = createSigner('asset-link', secrets);

  return {
    sign(assetId, form, ttlSeconds, now) {
      const expires = roundUp(now.getTime() / 1000, ttlSeconds / 2) + ttlSeconds;
      const file = typeof form === 'string' ? `${assetId}.${form}` : `${assetId}/${nameOf(form)}`;
      const path = `/assets/${file}?expires=${expires}`;
      return {
        uri: `${publicUrl().replace(/\/+$/, '')}${path}&signature=${signer.sign(path)}`,
        expiresAt: new Date(expires * 1000),
      };
    },

    verify(target, now) {
      const [, path, assetId, wish, extension, expires, signature] = TARGET.exec(target) ?? [];
      if (!path || !assetId || !extension || !expires || !signature) return { refused: 'INVALID' };
      if (!signer.isSigned(path, signature)) return { refused: 'INVALID' };
      const variant = wish ? parseVariant(`${wish}.${extension}`) : null;
      if (wish && !variant) return { refused: 'INVALID' };
      const expiresAt = new Date(Number(expires) * 1000);
      return now < expiresAt ? { assetId, extension, variant, expiresAt } : { refused: 'EXPIRED' };
    },
  };
}

/** To the end of the window that all reads within half a ttl share; whole seconds. */
function roundUp(seconds: number, window: number): number {
  return Math.ceil(Math.ceil(seconds / window) * window);
}
