import type { Money } from '../../generation/money.ts';
import type { PollReport, ReportedImage } from '../../generation/provider-report.ts';
import { plain, type Reading } from '../reading.ts';
import { cut } from '../shorten.ts';
import { toTrouble } from '../trouble.ts';
import { kindOf, toFailure } from './failures.ts';
import { toSaid, type WireAnswer, type WireError, type WireItem } from './wire.ts';

/** What is said of one task. How many images there will be is not: while one is in the making, it is not over. */
export function readTask({ items, errors }: WireAnswer): Reading {
  const open = items.filter((item) => !isMade(item));
  if (open.length > 0) return readOpen(items, open);
  const [error] = errors;
  if (items.length === 0 && error) return plain(readFailed(error));

  // Each image once, however often it is listed.
  const made = [...new Map(items.map((item) => [item.imageURL, item])).values()];
  const undelivered = errors.map(toFailure);
  return plain({ kind: 'FINISHED', images: made.flatMap(toImage), undelivered, credits: null, cost: sumCosts(made) });
}

/** Whether there are images, and no more to come. */
export function isFinished({ items }: WireAnswer): boolean {
  return items.length > 0 && items.every(isMade);
}

function readOpen(items: WireItem[], open: WireItem[]): Reading {
  if (items.every(isWaiting)) return plain({ kind: 'PENDING', etaSeconds: null });
  const oddity = open.map(findOddity).find((each) => each !== null) ?? null;
  const images = items.filter(isMade).flatMap(toImage);
  const there = images.length > 0 ? { images } : {};
  return { report: { kind: 'RUNNING', percent: toPercent(items), etaSeconds: null, ...there }, oddity };
}

/** `pending` is of the older documentation; without a status and an image it is the acknowledgment once more. */
function isWaiting({ status, imageURL }: WireItem): boolean {
  return status === null ? imageURL === null : status.toLowerCase() === 'pending';
}

function findOddity({ status }: WireItem): string | null {
  const word = status?.toLowerCase();
  if (word === 'success') return 'success without a usable result URL';
  const isKnown = word === undefined || word === 'processing' || word === 'pending';
  return isKnown ? null : `unknown status "${cut(word, 100)}"`;
}

function readFailed(error: WireError): PollReport {
  if (kindOf(error) !== 'UNKNOWN_TASK') return { kind: 'FAILED', failure: toFailure(error) };
  const message = 'Runware says that this task failed, or that it does not know it.';
  return { kind: 'MISSING', failure: toTrouble('PROVIDER_LOST', 'UNKNOWN', true, message, toSaid(error)) };
}

/** Without a status it is the result as such, as a synchronous answer or a webhook carries it (providers.md §3.2). */
function isMade({ status, imageURL }: WireItem): boolean {
  return imageURL !== null && (status === null || status.toLowerCase() === 'success');
}

/** Over all its images, where one that is in the making tells its own. */
function toPercent(items: WireItem[]): number | null {
  if (!items.some((item) => !isMade(item) && item.progress !== null)) return null;
  const done = items.map((item) => (isMade(item) ? 100 : (item.progress ?? 0)));
  return done.reduce((sum, each) => sum + each, 0) / done.length;
}

function toImage({ imageUUID, imageURL, seed }: WireItem): ReportedImage[] {
  return imageURL === null ? [] : [{ name: imageUUID, url: imageURL, seed }];
}

/** In US dollars (providers.md §3.2); unknown when one image does not say what it cost. */
function sumCosts(made: WireItem[]): Money | null {
  const costs = made.flatMap(({ cost }) => (cost === null ? [] : [cost]));
  if (costs.length < made.length) return null;
  // In billionths: a sum of fractions would not be the decimal that was meant.
  const billionths = costs.reduce((sum, cost) => sum + Math.round(cost * 1e9), 0);
  return { amount: (billionths / 1e9).toFixed(9).replace(/\.?0+$/, ''), currency: 'USD' };
}
