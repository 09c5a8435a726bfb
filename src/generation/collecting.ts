import { newId } from '../db/id.ts';
import { after, type Draft, fail, failed, type Moment, move, released } from './draft.ts';
import { isFinal } from './moves.ts';
import type { Finished, ReportedImage } from './provider-report.ts';
import { recognize } from './recognize.ts';
import { isSettling, mayGrow, over, settleFrom } from './settling.ts';
import { neverKept, nothingDelivered } from './troubles.ts';
import type { Asset, Cost, Task } from './types.ts';

/** A result list longer than this is nonsense, and is cut. */
const MOST_IMAGES_OF_A_TASK = 40;

/**
 * Those images of a list that are not known yet. Slots are filled in the order of arrival; what came beyond those asked
 * for, or of an earlier attempt, takes the next free numbers.
 */
function newAssets(
  { task, assets, asked, isSuperseded }: Draft,
  images: ReportedImage[],
  ttlSeconds: number,
  moment: Moment,
): Asset[] {
  const mine = assets.filter(({ taskId }) => taskId === task.id);
  const listed = images.slice(0, MOST_IMAGES_OF_A_TASK);
  const known = recognize(mine, listed);
  const fresh = listed.filter((image) => !known.has(image)).slice(0, Math.max(MOST_IMAGES_OF_A_TASK - mine.length, 0));
  const taken = new Set(assets.map(({ index }) => index));
  let extra = Math.max(asked, ...assets.map(({ index }) => index + 1));
  return fresh.map((image, i) => {
    const position = mine.length + i;
    const slot = task.firstSlot + position;
    const isOwn = position < task.imageCount && !isSuperseded && !taken.has(slot);
    const index = isOwn ? slot : extra++;
    return {
      workspaceId: task.workspaceId,
      id: newId('ast'),
      generationId: task.generationId,
      taskId: task.id,
      index,
      state: 'PENDING',
      imageName: image.name ?? null,
      providerUrl: image.url,
      providerUrlExpiresAt: after(moment, ttlSeconds * 1000),
      seed: image.seed,
      storageKey: null,
      thumbhash: null,
      width: null,
      height: null,
      mimeType: null,
      byteSize: null,
      sha256: null,
      failure: null,
      refreshes: 0,
      badLooks: 0,
      createdAt: moment.at,
      deletedAt: null,
    };
  });
}

/** What has come so far of a task: those images that are new; the very same object where none is. */
export function arrived(
  draft: Draft,
  images: ReportedImage[],
  moment: Moment,
  ttlSeconds = moment.resultTtlOf(draft.task),
): Draft {
  const made = newAssets(draft, images, ttlSeconds, moment);
  return made.length === 0 ? draft : { ...draft, assets: inOrder([...draft.assets, ...made]) };
}

/** A submission was answered with the images themselves. */
export function delivered(draft: Draft, report: Finished, moment: Moment): Draft {
  return collectAll(arrived(draft, report.images, moment), report, moment, { acceptedAt: moment.at });
}

/** The same of a task that was thought to have broken off: what else came, and why the rest did not. */
export function completed(draft: Draft, { images, undelivered = [], cost, credits }: Finished, moment: Moment): Draft {
  const all = arrived(draft, images, moment);
  const { task } = all;
  const told = { settled: cost ?? task.cost.settled, providerCredits: credits ?? task.cost.providerCredits };
  const reasons = undelivered.map((trouble) => failed(trouble, moment));
  return {
    ...all,
    task: { ...task, cost: { ...task.cost, ...told }, undelivered: reasons.length > 0 ? reasons : null },
  };
}

/** Nothing more will come of it: what came is brought home, and what did not has the reasons that its provider gave. */
export function collectAll(
  draft: Draft,
  { undelivered = [], credits, cost: charged }: Pick<Finished, 'undelivered' | 'credits' | 'cost'>,
  moment: Moment,
  more: Partial<Task> = {},
): Draft {
  const { task } = draft;
  const told = { settled: charged ?? task.cost.settled, providerCredits: credits ?? task.cost.providerCredits };
  const cost = { ...task.cost, ...told };
  if (!draft.assets.some(({ taskId }) => taskId === task.id)) {
    return fail({ ...draft, task: { ...task, cost } }, undelivered[0] ?? nothingDelivered, moment, more);
  }
  const reasons = undelivered.map((trouble) => failed(trouble, moment));
  return move(draft, 'COLLECTING', moment, {
    ...more,
    cost,
    failure: null,
    undelivered: reasons.length > 0 ? reasons : null,
    percent: 99,
    progressBasis: 'REPORTED',
    etaSeconds: null,
    tries: 0,
  });
}

function inOrder(assets: Asset[]): Asset[] {
  return assets.sort((a, b) => a.index - b.index);
}

/** One look at an image's URL that found none; how many of these are believed is up to the collector. */
export function notThere(draft: Draft, assetId: string): Draft {
  const asset = draft.assets.find(({ id, taskId }) => id === assetId && taskId === draft.task.id);
  if (!isCollecting(draft.task) || asset?.state !== 'PENDING') return draft;
  return { ...draft, assets: replace(draft.assets, { ...asset, badLooks: asset.badLooks + 1 }) };
}

type Refreshed = { images: ReportedImage[]; staleIds: readonly string[]; resultTtlSeconds: number };

/** Fresh URLs from the provider, each for the image it names. */
export function refreshed(draft: Draft, { images, staleIds, resultTtlSeconds }: Refreshed, moment: Moment): Draft {
  if (!isCollecting(draft.task)) return draft;
  const mine = draft.assets.filter(({ taskId }) => taskId === draft.task.id);
  const urls = new Map([...recognize(mine, images)].map(([{ url }, { id }]) => [id, url]));
  const assets = draft.assets.map((asset) => {
    const providerUrl = staleIds.includes(asset.id) ? urls.get(asset.id) : undefined;
    if (!providerUrl || asset.state !== 'PENDING') return asset;
    const providerUrlExpiresAt = after(moment, resultTtlSeconds * 1000);
    return { ...asset, providerUrl, providerUrlExpiresAt, refreshes: asset.refreshes + 1 };
  });
  return { ...draft, assets };
}

function replace(assets: Asset[], changed: Asset): Asset[] {
  return assets.map((each) => (each.id === changed.id ? changed : each));
}

/** An image is home, or it is lost; the last one ends the task. */
export function settleAsset(draft: Draft, assetId: string, facts: Partial<Asset>, moment: Moment): Draft {
  const asset = draft.assets.find(({ id, taskId }) => id === assetId && taskId === draft.task.id);
  if (!isCollecting(draft.task) || asset?.state !== 'PENDING') return draft;
  const assets = draft.assets.map((each) => (each.id === assetId ? { ...each, ...facts } : each));
  return finishCollecting({ ...draft, assets }, moment);
}

function finishCollecting(draft: Draft, moment: Moment): Draft {
  const mine = draft.assets.filter(({ taskId }) => taskId === draft.task.id);
  if (mine.some(({ state }) => state === 'PENDING')) return draft;
  if (isFinal(draft.task.status)) return mayHaveMore(draft.task, mine.length) ? askAgain(draft, moment) : over(draft);
  const stored = mine.filter(({ state }) => state === 'STORED').length;
  const more = mayGrow(draft, moment) ? settleFrom(moment) : {};
  if (stored === 0) {
    const first = mine.find(({ failure }) => failure !== null)?.failure;
    return fail(draft, first ?? nothingDelivered, moment, more);
  }
  const complete = stored === mine.length && stored >= draft.task.imageCount;
  const cost = billFor(draft.task, mine.length);
  return move(draft, complete ? 'SUCCEEDED' : 'PARTIALLY_SUCCEEDED', moment, { percent: 100, cost, ...more });
}

/** Some of a task that was over before its provider are home; the others may still be made. */
function mayHaveMore({ providerTaskId, imageCount }: Task, made: number): boolean {
  return providerTaskId !== null && made < imageCount;
}

function askAgain(draft: Draft, moment: Moment): Draft {
  return { ...draft, task: { ...released(draft.task), nextAt: moment.at, tries: 0 } };
}

/** What its provider said; else the known price, where exactly what was ordered was made. */
function billFor({ cost, imageCount }: Task, made: number): Cost {
  const settled = cost.settled ?? (made === imageCount ? cost.reserved : null);
  return { ...cost, settled, basis: settled ? 'SETTLED' : 'UNKNOWN' };
}

const GRACE_MS = 3_600_000;

/** Gives up the images that nobody could keep although their URLs died an hour ago. */
export function loseExpired(draft: Draft, moment: Moment): Draft {
  const lost = { state: 'LOST' as const, failure: failed(neverKept, moment) };
  const dead = draft.assets.filter(
    ({ taskId, state, providerUrlExpiresAt }) =>
      taskId === draft.task.id &&
      state === 'PENDING' &&
      providerUrlExpiresAt !== null &&
      providerUrlExpiresAt.getTime() + GRACE_MS <= moment.at.getTime(),
  );
  return dead.reduce((state, { id }) => settleAsset(state, id, lost, moment), draft);
}

/** Images are kept for a task that is collecting, and for one that was over when they were found. */
function isCollecting(task: Task): boolean {
  return task.status === 'COLLECTING' || isSettling(task);
}
