import { createSigner } from '../signer.ts';
import type { Mode } from './provider.ts';

/** `<submissionId>.<signature>`: the part of a callback's address that proves which submission it is about. */
export interface CallbackTokens {
  sign(audience: string, submissionId: string): string;
  /** The submission that the token was made for; null for any other text, a token for another audience included. */
  verify(audience: string, token: string): string | null;
}

/**
 * Whom a token is made for. A provider that signs has a secret in each mode: the sandbox's, which everybody knows, proves
 * nothing of a submission that costs money.
 */
export function audienceOf({ slug, mode, isSigned }: { slug: string; mode: Mode; isSigned: boolean }): string {
  return isSigned ? `${slug}:${mode}` : slug;
}

const TOKEN = /^(sub_[0-9a-z]{26})\.([\w-]{43})$/;
/** All of them in a text, whoever signed them. */
export const CALLBACK_TOKENS = /sub_[0-9a-z]{26}\.[\w-]{43}/g;

/** `secrets` is newest first: the first signs, any verifies. Nothing is stored, so nothing has to be looked up. */
export function createCallbackTokens(secrets: readonly string[]): CallbackTokens {
  const signer = createSigner('callback', secrets);
  const textOf = (audience: string, submissionId: string) => `${audience}/${submissionId}`;
  return {
    sign: (audience, submissionId) => `${submissionId}.${signer.sign(textOf(audience, submissionId))}`,
    verify(audience, token) {
      const [, submissionId, signature] = TOKEN.exec(token) ?? [];
      if (!submissionId || !signature) return null;
      return signer.isSigned(textOf(audience, submissionId), signature) ? submissionId : null;
    },
  };
}
