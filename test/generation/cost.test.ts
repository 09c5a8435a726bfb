import { expect, test } from 'vitest';
import { costOf } from '../../src/generation/cost.ts';
import type { Cost, Task } from '../../src/generation/types.ts';
import { sampleGeneration } from './samples.ts';

const nothing: Cost = { basis: 'RESERVED', reserved: null, settled: null, providerCredits: null };
const dollars = (amount: string) => ({ amount, currency: 'USD' });

test('amounts of one currency are added without losing a digit', () => {
  const costs: Cost[] = [
    { ...nothing, reserved: dollars('0.1'), providerCredits: '1.25' },
    { ...nothing, reserved: dollars('0.2'), providerCredits: '0.0000000000000000005' },
  ];
  expect(costOf(tasksWith(costs))).toEqual({
    basis: 'RESERVED',
    reserved: dollars('0.3'),
    settled: null,
    providerCredits: '1.2500000000000000005',
  });
});

test('an amount that is unknown for one task, or in another currency, is unknown for all', () => {
  expect(costOf(tasksWith([{ ...nothing, reserved: dollars('1') }, nothing])).reserved).toBeNull();
  const euros = { amount: '1', currency: 'EUR' };
  const mixed = [
    { ...nothing, reserved: dollars('1') },
    { ...nothing, reserved: euros },
  ];
  expect(costOf(tasksWith(mixed)).reserved).toBeNull();
});

test('an attempt that is not billed costs nothing, whatever was reserved for it', () => {
  const refused: Cost = { ...nothing, basis: 'REFUNDED', reserved: dollars('0.035'), providerCredits: '3' };
  const sold: Cost = { ...nothing, basis: 'SETTLED', reserved: dollars('0.07'), settled: dollars('0.07') };
  expect(costOf(tasksWith([refused, sold]))).toEqual(sold);
  expect(costOf(tasksWith([{ ...refused, reserved: null }, sold]))).toEqual(sold);
  expect(costOf(tasksWith([refused, refused]))).toEqual({
    ...refused,
    reserved: dollars('0.07'),
    providerCredits: '6',
  });
});

test('the credits of different providers are not added', () => {
  const [one, two] = tasksWith([
    { ...nothing, providerCredits: '1' },
    { ...nothing, providerCredits: '2' },
  ]);
  if (!one || !two) throw new Error('two tasks');
  expect(costOf([one, two]).providerCredits).toBe('3');
  expect(costOf([one, { ...two, provider: 'dragons' }]).providerCredits).toBeNull();
});

test.each<[Cost['basis'][], Cost['basis']]>([
  [['SETTLED', 'UNKNOWN', 'REFUNDED'], 'UNKNOWN'],
  [['SETTLED', 'RESERVED'], 'RESERVED'],
  [['REFUNDED', 'SETTLED'], 'SETTLED'],
  [['REFUNDED', 'REFUNDED'], 'REFUNDED'],
])('%j together are %s: the least certain', (bases, basis) => {
  expect(costOf(tasksWith(bases.map((each) => ({ ...nothing, basis: each })))).basis).toBe(basis);
});

function tasksWith(costs: Cost[]): Task[] {
  const { tasks } = sampleGeneration(
    costs.map(() => 1),
    { at: new Date() },
  );
  return tasks.map((task, i) => ({ ...task, cost: costs[i] ?? nothing }));
}
