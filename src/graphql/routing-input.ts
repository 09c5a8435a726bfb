import Big from 'big.js';
import type { Money } from '../generation/money.ts';
import type { Routing } from '../generation/types.ts';
import { builder } from './builder.ts';
import { OnFailureEnum, OnUncertainEnum, PreferenceEnum } from './enums.ts';

export const RoutingInput = builder.inputType('RoutingInput', {
  description: 'Whom to ask, and what to do where providers differ or fail.',
  fields: (t) => ({
    providers: t.stringList({
      description: 'Slugs of those that may be asked, such as runware; see `providers`. None: any.',
    }),
    prefer: t.field({
      type: PreferenceEnum,
      required: true,
      defaultValue: 'BALANCED',
      description: 'Whom to ask among those that fit.',
    }),
    onFailure: t.field({
      type: OnFailureEnum,
      required: true,
      defaultValue: 'FALLBACK',
      description: 'When a provider does not take a task, or refuses it.',
    }),
    onUncertain: t.field({
      type: OnUncertainEnum,
      required: true,
      defaultValue: 'WAIT',
      description: 'When a task was sent and its answer was lost. Only RESUBMIT may pay twice.',
    }),
  }),
});

export const MoneyInput = builder.inputType('MoneyInput', {
  description: 'An amount of money.',
  fields: (t) => ({
    amount: t.field({ type: 'DecimalString', required: true, description: 'Zero or more, such as "0.35".' }),
    currency: t.string({ required: true, defaultValue: 'USD', description: 'Three letters, ISO 4217.' }),
  }),
});

/** What is asked for only: the same wish is the same request, however it is written. */
export function toRouting(
  routing: typeof RoutingInput.$inferInput | null | undefined,
  maxCost?: Money | null,
): Routing {
  const { providers, prefer = 'BALANCED', onFailure = 'FALLBACK', onUncertain = 'WAIT' } = routing ?? {};
  return {
    onUncertain,
    ...(providers && { providers: [...new Set(providers)].sort() }),
    ...(prefer !== 'BALANCED' && { prefer }),
    ...(onFailure !== 'FALLBACK' && { onFailure }),
    ...(maxCost && { maxCost: { ...maxCost, amount: new Big(maxCost.amount).toFixed() } }),
  };
}
