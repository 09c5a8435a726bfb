import { isOpen } from '../generation/prefer.ts';
import { type Standing, UNKNOWN_STANDING } from '../generation/standing.ts';
import { builder } from './builder.ts';
import type { ProviderNode } from './catalogue.ts';
import type { Context } from './context.ts';
import { HealthStateEnum } from './enums.ts';

type HealthState = 'HEALTHY' | 'DEGRADED' | 'OPEN' | 'UNCONFIGURED';

interface Health extends Pick<Standing, 'successRate' | 'p50Seconds' | 'p95Seconds' | 'openUntil'> {
  state: HealthState;
}

export const ProviderHealth = builder.objectRef<Health>('ProviderHealth').implement({
  description:
    'How a provider is doing, as all processes of this service see it: at most about a second old, its rate and seconds 15. They are of the last 200 tasks of its mode that ended within 24 hours.',
  fields: (t) => ({
    state: t.expose('state', { type: HealthStateEnum, description: 'Whether anything is sent to it.' }),
    successRate: t.exposeFloat('successRate', {
      nullable: true,
      description:
        'From 0 to 1: the share of its tasks that brought a picture. Those that were canceled, refused for their content or for a reference do not count. Null where there were none.',
    }),
    p50Seconds: t.exposeFloat('p50Seconds', {
      nullable: true,
      description:
        'Half of its tasks that succeeded took at most so many seconds, from their submission to the last image stored. Null where there were none.',
    }),
    p95Seconds: t.exposeFloat('p95Seconds', {
      nullable: true,
      description: 'The same of 95 in 100.',
    }),
    openUntil: t.expose('openUntil', {
      type: 'DateTime',
      nullable: true,
      description: 'While it is OPEN: when one submission will try it again.',
    }),
  }),
});

export const ProviderAccount = builder
  .objectRef<Pick<Standing, 'creditsRemaining' | 'tier'> & { at: Date }>('ProviderAccount')
  .implement({
    description: 'The account of this service at a provider, as the provider last told.',
    fields: (t) => ({
      creditsRemaining: t.expose('creditsRemaining', {
        type: 'DecimalString',
        nullable: true,
        description: "In the provider's own credits; null where it does not say.",
      }),
      tier: t.exposeString('tier', { nullable: true, description: 'Its own word for it; null where it does not say.' }),
      at: t.expose('at', { type: 'DateTime', description: 'When it was asked; it is every 5 minutes.' }),
    }),
  });

/** Below it a provider that works is DEGRADED. */
const GOOD_RATE = 0.9;

export function healthOf({ slug, mode }: ProviderNode, { domain }: Pick<Context, 'domain'>): Health {
  const standing = standingOf({ slug, mode }, domain);
  const { successRate, p50Seconds, p95Seconds, openUntil } = standing;
  const figures = { successRate, p50Seconds, p95Seconds, openUntil: null };
  const isConfigured = domain.catalogue.some((entry) => entry.slug === slug && entry.mode === mode);
  if (!isConfigured) return { ...figures, state: 'UNCONFIGURED' };
  if (isOpen(standing, new Date())) return { ...figures, openUntil, state: 'OPEN' };
  // Once its pause is over it is still to be tried.
  const isDoubtful = openUntil !== null || (successRate !== null && successRate < GOOD_RATE);
  return { ...figures, state: isDoubtful ? 'DEGRADED' : 'HEALTHY' };
}

/** Null where its provider has told nothing. */
export function accountOf(provider: ProviderNode, { domain }: Pick<Context, 'domain'>) {
  const { creditsRemaining, tier, accountAt } = standingOf(provider, domain);
  if (accountAt === null || (creditsRemaining === null && tier === null)) return null;
  return { creditsRemaining, tier, at: accountAt };
}

function standingOf({ slug, mode }: Pick<ProviderNode, 'slug' | 'mode'>, { standingOf }: Context['domain']): Standing {
  return standingOf?.(slug, mode) ?? UNKNOWN_STANDING;
}
