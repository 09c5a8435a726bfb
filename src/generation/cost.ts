import Big from 'big.js';
import type { Money } from './money.ts';
import type { Cost, CostBasis, Task } from './types.ts';

/**
 * What all attempts of a generation cost together: those that are billed, where any is. An amount that is unknown for one
 * is unknown for all.
 */
export function costOf(tasks: readonly Task[]): Cost {
  const billed = tasks.filter(({ cost }) => cost.basis !== 'REFUNDED');
  const counted = billed.length > 0 ? billed : tasks;
  const costs = counted.map(({ cost }) => cost);
  return {
    basis: basisOf(costs.map(({ basis }) => basis)),
    reserved: total(costs.map(({ reserved }) => reserved)),
    settled: total(costs.map(({ settled }) => settled)),
    providerCredits: creditsOf(counted),
  };
}

function basisOf(bases: CostBasis[]): CostBasis {
  const rank: CostBasis[] = ['UNKNOWN', 'RESERVED', 'SETTLED', 'REFUNDED'];
  return rank.find((basis) => bases.includes(basis)) ?? 'RESERVED';
}

function total(amounts: (Money | null)[]): Money | null {
  const known = amounts.filter((money) => money !== null);
  const currency = known[0]?.currency;
  if (currency === undefined || known.length < amounts.length) return null;
  if (known.some((money) => money.currency !== currency)) return null;
  return { amount: sum(known.map(({ amount }) => amount)), currency };
}

/** Credits of different providers are different things and are not added. */
function creditsOf(tasks: readonly Task[]): string | null {
  const charged = tasks.filter(({ cost }) => cost.providerCredits !== null);
  if (new Set(charged.map(({ provider }) => provider)).size !== 1) return null;
  return sum(charged.map(({ cost }) => cost.providerCredits ?? '0'));
}

function sum(amounts: string[]): string {
  return amounts.reduce((acc, amount) => acc.plus(amount), new Big(0)).toFixed();
}

/** What these tasks leave of a limit; null where that is nothing, or not known. */
export function restOf(limit: Money, tasks: readonly Task[]): Money | null {
  const spent = tasks.filter(({ cost }) => cost.basis !== 'REFUNDED').map(({ cost }) => cost.settled ?? cost.reserved);
  let rest = new Big(limit.amount);
  for (const money of spent) {
    if (money?.currency !== limit.currency) return null;
    rest = rest.minus(money.amount);
  }
  return rest.lt(0) ? null : { ...limit, amount: rest.toFixed() };
}
