import { createHmac, timingSafeEqual } from 'node:crypto';

export interface Signer {
  /** 43 characters of base64url. */
  sign(text: string): string;
  /** Whether any of the secrets has signed this text so; compared in constant time. */
  isSigned(text: string, signature: string): boolean;
}

/**
 * Signs texts of one purpose: what the same secrets sign for another is worth nothing here. `secrets` is newest first:
 * the first signs, any verifies.
 */
export function createSigner(purpose: string, secrets: readonly string[]): Signer {
  const keys = secrets.map((secret) => createHmac('sha256', secret).update(purpose).digest());
  const [newest] = keys;
  if (!newest) throw new Error('Signing needs at least one secret.');
  return {
    sign: (text) => signatureOf(text, newest),
    isSigned: (text, signature) => keys.some((key) => isSame(signatureOf(text, key), signature)),
  };
}

function signatureOf(text: string, key: Buffer): string {
  return createHmac('sha256', key).update(text).digest('base64url');
}

/** Compared as text: two spellings of the same bytes are not the same signature. */
function isSame(expected: string, given: string): boolean {
  const [one, other] = [Buffer.from(expected), Buffer.from(given)];
  return one.length === other.length && timingSafeEqual(one, other);
}
