import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { feed } from '../../src/db/schema.ts';
import type { Hint } from '../../src/events/hint.ts';
import { readFeedEnds } from '../../src/events/read.ts';
import { createSequencer } from '../../src/worker/sequence.ts';
import { append, openStage, type Stage } from '../generation/stage.ts';

/** Less than the slow poll takes. */
const AT_ONCE = { timeout: 1_500, interval: 5 };

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
beforeEach(() => stage.clear());
afterAll(() => stage.close());

test('what is committed is stamped as soon as the hint comes, and whoever follows that feed is told', async () => {
  const heard = await start();
  const caller = await stage.newCaller();
  const generation = await stage.create(caller);
  await expect.poll(() => heard.flatMap(({ feeds }) => feeds), AT_ONCE).toEqual([caller.workspaceId]);
  expect(await stage.eventsOf(generation.id)).toMatchObject([{ position: expect.any(Number) }]);
});

test('what comes within 20 ms shares a statement', async () => {
  const generation = await stage.create(await stage.newCaller());
  const heard = await start();
  const { last } = await readFeedEnds(stage.domain.db);
  const begun = performance.now();
  for (let version = 2; version <= 100; version++) {
    await append(stage, generation, version, version);
    stage.domain.hints.give({ generationIds: [], work: ['sequence'], feeds: [] });
  }
  await expect.poll(async () => (await readFeedEnds(stage.domain.db)).last, AT_ONCE).toBeGreaterThanOrEqual(last + 99);
  const stamps = heard.filter(({ feeds }) => feeds?.length).length;
  expect(stamps).toBeLessThanOrEqual(2 + (performance.now() - begun) / 20);
  expect(stamps).toBeLessThan(60);
});

test('a backlog is drained without naps', async () => {
  const generation = await stage.create(await stage.newCaller());
  const { last } = await readFeedEnds(stage.domain.db);
  await append(stage, generation, 2, 3_500);
  await start();
  await expect.poll(async () => (await readFeedEnds(stage.domain.db)).last, AT_ONCE).toBe(last + 3_500);
});

test('what was committed while another process was at it is stamped right after', async () => {
  const { domain } = await stage.another();
  await start();
  const { last } = await readFeedEnds(stage.domain.db);
  await domain.db.transaction(async (tx) => {
    await tx.select().from(feed).for('update');
    await stage.create(await stage.newCaller());
  });
  await expect.poll(async () => (await readFeedEnds(stage.domain.db)).last, AT_ONCE).toBe(last + 1);
});

/** Runs a sequencer as a worker does, and collects the hints that are given. */
async function start(): Promise<Hint[]> {
  const heard: Hint[] = [];
  const sequencer = createSequencer(stage.domain);
  const unhint = stage.domain.hints.on((hint) => {
    if (hint.work.includes('sequence')) sequencer.wake();
    else heard.push(hint);
  });
  sequencer.start();
  onTestFinished(async () => {
    unhint();
    await sequencer.stop();
  });
  return heard;
}
