import { expect, test } from 'vitest';
import { createRota } from '../../src/worker/rota.ts';

const NOON = 1_800_000_000_000;

test('nothing is taken before it is due, each once, and the nap ends with the next one', () => {
  const rota = createRota<{ workspaceId: string }>(NOON);
  const [now, soon, late] = [item('a'), item('a'), item('a')];
  rota.place(late, NOON + 5_000);
  rota.place(soon, NOON + 300);
  rota.place(now, NOON - 1);
  expect(rota.napMs(NOON, 1_000)).toBe(0);
  expect(rota.take(NOON, 9)).toEqual([now]);
  expect([rota.take(NOON + 280, 9), rota.napMs(NOON + 280, 1_000)]).toEqual([[], 20]);
  expect([rota.take(NOON + 300, 9), rota.napMs(NOON + 300, 1_000)]).toEqual([[soon], 1_000]);
  expect(rota.take(NOON + 3_600_000, 9)).toEqual([late]);
  expect(rota.take(NOON + 7_200_000, 9)).toEqual([]);
});

test('the first of each workspace comes before the second of any, and who was served last is served last again', () => {
  const rota = createRota<{ workspaceId: string }>(NOON);
  const many = Array.from({ length: 6 }, () => item('many'));
  const [one, other] = [item('one'), item('other')];
  for (const each of [...many, one, other]) rota.place(each, NOON);
  expect(rota.take(NOON, 2)).toEqual([many[0], one]);
  expect(rota.take(NOON, 3)).toEqual([other, many[1], many[2]]);
  const late = item('late');
  rota.place(late, NOON);
  expect(rota.take(NOON, 2)).toEqual([many[3], late]);
  expect(rota.take(NOON, 9)).toEqual([many[4], many[5]]);
});

test('what is placed again is due at the new time only; what is removed, or due never, does not come', () => {
  const rota = createRota<{ workspaceId: string }>(NOON);
  const [moved, gone, never] = [item('a'), item('a'), item('a')];
  for (const each of [moved, gone, never]) rota.place(each, NOON + 100);
  rota.place(moved, NOON + 400);
  rota.remove(gone);
  rota.place(never, Number.POSITIVE_INFINITY);
  expect(rota.take(NOON + 300, 9)).toEqual([]);
  rota.place(gone, NOON);
  rota.remove(gone);
  expect([rota.napMs(NOON + 300, 1_000), rota.take(NOON + 400, 9)]).toEqual([100, [moved]]);
});

test('a clock that is set back by a little delays nothing that is due', () => {
  const rota = createRota<{ workspaceId: string }>(NOON);
  const [due, next] = [item('a'), item('a')];
  rota.place(due, NOON + 100);
  rota.place(next, NOON + 200);
  expect(rota.take(NOON + 100, 0)).toEqual([]);
  expect(rota.take(NOON + 50, 9)).toEqual([due]);
  expect(rota.take(NOON + 200, 9)).toEqual([next]);
});

function item(workspaceId: string) {
  return { workspaceId, id: Symbol() };
}
