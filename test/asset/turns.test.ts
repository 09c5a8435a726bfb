import { expect, test } from 'vitest';
import { Busy, createTurns } from '../../src/turns.ts';

test('turns come in the order asked, so many at once, and a failure hands its turn on', async () => {
  const takeTurn = createTurns(2);
  let running = 0;
  let most = 0;
  const begun: number[] = [];
  const ends = await Promise.allSettled(
    [0, 1, 2, 3, 4, 5].map((n) =>
      takeTurn(async () => {
        begun.push(n);
        most = Math.max(most, ++running);
        await new Promise((resolve) => setImmediate(resolve));
        running -= 1;
        if (n % 2 === 0) throw new Error('odd');
      }),
    ),
  );
  expect([most, begun]).toEqual([2, [0, 1, 2, 3, 4, 5]]);
  expect(ends.filter(({ status }) => status === 'rejected')).toHaveLength(3);
});

test('whoever waits past the patience is Busy and is never run, and the turns go on', async () => {
  const takeTurn = createTurns(1, 30);
  let letGo = () => {};
  const first = takeTurn(
    () =>
      new Promise<string>((resolve) => {
        letGo = () => resolve('first');
      }),
  );
  let ran = false;
  const impatient = takeTurn(async () => {
    ran = true;
  });
  await expect(impatient).rejects.toBeInstanceOf(Busy);
  const patient = takeTurn(async () => 'patient');
  letGo();
  expect([await first, await patient, ran]).toEqual(['first', 'patient', false]);
});

test('of many who wait, each has one turn before anybody has a second', async () => {
  const takeTurn = createTurns(1);
  const begun: string[] = [];
  const work = (who: string) => takeTurn(async () => void begun.push(who), who);
  await Promise.all(['a', 'a', 'a', 'a', 'b', 'b', 'c'].map(work));
  expect(begun.join('')).toBe('aabcaba');
});
