import type { Why } from '../generation/breaker-state.ts';
import type { FailureCode, Trouble } from '../generation/failure-code.ts';
import type { Provider } from '../provider/provider.ts';

/** Why a provider that failed with this code is left alone: what the operator reads, with what to do. */
export function whyLeftAlone(
  { slug, name, mode }: Pick<Provider, 'slug' | 'name' | 'mode'>,
  failed: FailureCode | null,
): Why {
  const who = `${name} (${mode})`;
  const variable = (suffix: string) => (mode === 'TEST' ? 'SANDBOX_URL' : `${slug.toUpperCase()}_${suffix}`);
  const code = failed !== null && failed in SAID ? failed : 'PROVIDER_ERROR';
  switch (code) {
    case 'PROVIDER_REJECTED':
      return {
        code,
        reason: `${who}: the key is refused. Set ${variable('API_KEY')} to one that it takes, and restart.`,
      };
    case 'PROVIDER_CREDITS_EXHAUSTED':
      return { code, reason: `${who}: the credits are used up. Top up the account; work goes on by itself.` };
    case 'RATE_LIMITED':
      return {
        code,
        reason: `${who}: it turns requests away again and again. Lower ${slug} in PROVIDER_REQUESTS_PER_MINUTE or PROVIDER_CONCURRENCY, or have its limits raised.`,
      };
    case 'PROVIDER_UNREACHABLE':
      return {
        code,
        reason: `${who}: it cannot be reached. Look at its status page, at the network from here and at ${variable('BASE_URL')}.`,
      };
    default:
      return {
        code,
        reason: `${who}: it answers with errors or not at all. Look at its status page; what was sent may have been accepted.`,
      };
  }
}

const SAID: Partial<Record<FailureCode, (name: string) => string>> = {
  PROVIDER_REJECTED: (name) => `${name} does not accept the API key of this service, so nothing is sent to it for now.`,
  PROVIDER_CREDITS_EXHAUSTED: (name) =>
    `The credits of this service at ${name} are used up, so nothing is sent to it for now.`,
  RATE_LIMITED: (name) => `${name} takes no more requests just now.`,
  PROVIDER_UNREACHABLE: (name) => `${name} cannot be reached, so nothing is sent to it for now.`,
  PROVIDER_ERROR: (name) => `${name} answers with errors or not at all, so nothing is sent to it for now.`,
};

/** The same for the caller of a task that was not sent because of it. */
export function turnedAway({ name }: Pick<Provider, 'name'>, code: FailureCode): Trouble {
  const message = SAID[code]?.(name) ?? `Nothing is sent to ${name} for now.`;
  return { code, message, billed: 'NO', retryable: true, providerCode: null, providerMessage: null };
}
