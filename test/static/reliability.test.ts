import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { KILL_POINTS } from '../../src/generation/kill-points.ts';
import { FAILURE_CLASSES, type FailureClass } from '../../src/provider/failure-classes.ts';

const PAGE = 'docs/reliability.md';
const TABLE = /(?<=^<!-- src\/provider\/failure-classes.ts -->\n).*?(?=\n<!-- end -->$)/ms;

const text = readFileSync(PAGE, 'utf8');

test('the table of failure classes is that of the code (vitest -u writes it)', async () => {
  expect(text).toMatch(TABLE);
  const fresh = text.replace(TABLE, () => [...HEADER, ...FAILURE_CLASSES.map(toRow)].join('\n'));
  await expect(fresh).toMatchFileSnapshot(`../../${PAGE}`);
});

test('what follows a kill is told of each kill point, in their order, and of no other', () => {
  const told = [...text.matchAll(/^\| `(\w+:\w+)` \|/gm)].map(([, point]) => point);
  expect(told).toEqual([...KILL_POINTS]);
});

const HEADER = ['| what came back | class | what follows | code | why |', '|---|---|---|---|---|'];

const FOLLOWS: Record<FailureClass['next'], string> = {
  SEND_AGAIN: 'sent again',
  GIVE_UP: 'the task fails, nothing is billed',
  RECONCILE: '`UNCERTAIN`, never sent again blindly',
};

function toRow({ seen, isForeign, class: found, next, code, pauseMs, reason }: FailureClass): string {
  const pause = pauseMs === null ? '' : `, after ${pauseMs / 1000} s or more`;
  const what = toWords(seen) + (isForeign ? ' without JSON' : '');
  return `| ${what} | \`${found}\` | ${FOLLOWS[next]}${pause} | \`${code}\` | ${reason} |`;
}

function toWords(seen: FailureClass['seen']): string {
  if (seen === 'NOT_SENT') return 'nothing: it was not sent';
  if (seen === 'BROKEN') return 'no whole answer';
  if (seen.some(([from]) => from === 100)) return 'any other status';
  return `HTTP ${seen.map(([from, to]) => (from === to ? from : `${from}–${to}`)).join(', ')}`;
}
