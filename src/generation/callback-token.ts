import { createSigner } from '../signer.ts';

/** `<submissionId>.<signature>`: the part of a callback's address that proves which submission it is about. */
export interface CallbackTokens {
  sign(provider: string, submissionId: string): string;
  /** The submission that the token was made for; null for any other text, another provider's token included. */
  verify(provider: string, token: string): string | null;
}

const TOKEN = /^(sub_[0-9a-z]{26})\.([\w-]{43})$/;
/** All of them in a text, whoever signed them. */
export const CALLBACK_TOKENS = /sub_[0-9a-z]{26}\.[\w-]{43}/g;

/** `secrets` is newest first: the first signs, any verifies. Nothing is stored, so nothing has to be looked up. */
export function createCallbackTokens(secrets: readonly string[]): CallbackTokens {
  const signer = createSigner('callback', secrets);
  const textOf = (provider: string, submissionId: string) => `${provider}/${submissionId}`;
  return {
    sign: (provider, submissionId) => `${submissionId}.${signer.sign(textOf(provider, submissionId))}`,
    verify(provider, token) {
      const [, submissionId, signature] = TOKEN.exec(token) ?? [];
      if (!submissionId || !signature) return null;
      return signer.isSigned(textOf(provider, submissionId), signature) ? submissionId : null;
    },
  };
}
