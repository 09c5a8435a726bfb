import { isIP } from 'node:net';
import { isLoopback } from '../config/config.ts';
import { isPublicAddress } from '../fetch/address.ts';
import { audienceOf, type CallbackTokens } from '../generation/callback-token.ts';
import type { Provider } from '../provider/provider.ts';

/** Where this provider may report the end of this submission; null where it has no way to reach us. */
export type CallbackUrl = (provider: Provider, submissionId: string) => string | null;

/** `addresses` are those of this service, the best first: the first that the provider can call is used. */
export function createCallbackUrl(addresses: readonly string[], tokens: Pick<CallbackTokens, 'sign'>): CallbackUrl {
  return ({ slug, mode, callback }, submissionId) => {
    const address = callback && addresses.find((each) => canCall(callback.isLocal, new URL(each)));
    if (!address) return null;
    const audience = audienceOf({ slug, mode, isSigned: callback.isGenuine !== null });
    return `${address}/webhooks/${slug}/${tokens.sign(audience, submissionId)}`;
  };
}

/** Providers call https and refuse private addresses (providers.md §1.4); one on this machine also calls its loopback. */
function canCall(isLocal: boolean, { protocol, hostname }: URL): boolean {
  const host = hostname.replace(/^\[|\]$/g, '');
  if (isLoopback(host)) return isLocal;
  return protocol === 'https:' && (isLocal || isIP(host) === 0 || isPublicAddress(host));
}
