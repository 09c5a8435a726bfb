import type { Domain } from '../generation/domain.ts';
import type { ProviderLimits } from '../generation/provider.ts';
import type { Executor } from '../generation/provider-state.ts';
import { type Standing, UNKNOWN_STANDING } from '../generation/standing.ts';
import { admit, awaitTurn, type Leaving, takeTurn, type Wait } from '../generation/turns.ts';
import type { Task } from '../generation/types.ts';
import type { Provider } from '../provider/provider.ts';

/** What may be sent to each provider now, for all workers together. */
export interface Limits {
  of(provider: Provider): ProviderLimits;
  /** To be asked in the transaction that marks a submission: null when it may leave. */
  admit(provider: Provider, leaving: Leaving & { images: number }): (tx: Executor) => Promise<Wait | null>;
  /** To be asked right before any other request: 0 when it may leave, else in how many milliseconds to ask again. */
  takeTurn(provider: Provider): Promise<number>;
}

export function createLimits({ db, log, standingOf }: Pick<Domain, 'db' | 'log' | 'standingOf'>): Limits {
  const of = (provider: Provider) =>
    limitsFor(provider, standingOf?.(provider.slug, provider.mode) ?? UNKNOWN_STANDING);
  const wantedAt = (provider: Provider) => ({
    provider: provider.slug,
    mode: provider.mode,
    limits: of(provider),
    heaviest: of(provider).countsImages ? mostImagesOf(provider) : 1,
  });

  return {
    of,
    admit:
      (provider, { images, ...leaving }) =>
      async (tx) => {
        const weight = of(provider).countsImages ? images : 1;
        const wanted = { ...wantedAt(provider), weight };
        const admission = await admit(tx, wanted, leaving);
        if (admission.ok) return null;
        const { waitMs, lacks } = admission;
        // Not waited for: it is after the same row as the transaction that is about to be rolled back.
        if (lacks === 'TURN') {
          awaitTurn(db, wanted, waitMs).catch((error: unknown) =>
            log.warn({ err: error, provider: provider.slug }, 'a turn could not be kept for a submission'),
          );
        }
        return { waitMs, lacks };
      },
    async takeTurn(provider) {
      const turn = await takeTurn(db, wantedAt(provider));
      return turn.ok ? 0 : turn.waitMs;
    },
  };
}

function mostImagesOf({ models }: Provider): number {
  return Math.max(...models.map(({ maxImages, series }) => Math.max(maxImages, series?.maxImages ?? 0)));
}

/** How many orders one submission may carry: what the model allows, and the tier of the account. */
export function batchLimit(limits: Pick<Limits, 'of'>, provider: Provider, { request }: Pick<Task, 'request'>): number {
  const offered = provider.models.find(({ model }) => model === request.model)?.maxBatch ?? 1;
  return Math.min(offered, limits.of(provider).batch ?? offered);
}

/** By the tier that its account has told, or as its code and the configuration say. */
function limitsFor(
  { limits, limitsOf }: Pick<Provider, 'limits' | 'limitsOf'>,
  { tier }: Pick<Standing, 'tier'>,
): ProviderLimits {
  const ofTier = tier === null ? null : limitsOf?.(tier);
  return ofTier ?? limits;
}
