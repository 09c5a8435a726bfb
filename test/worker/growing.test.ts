import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createGuardedFetch } from '../../src/fetch/guarded-fetch.ts';
import { listExchanges } from '../../src/generation/exchanges.ts';
import type { PollReport } from '../../src/generation/provider-report.ts';
import type { Generation } from '../../src/generation/types.ts';
import { createDiskStorage } from '../../src/storage/disk.ts';
import { createCollector } from '../../src/worker/collect.ts';
import { createIdentity } from '../../src/worker/identity.ts';
import { createLimits } from '../../src/worker/limits.ts';
import { createPoller } from '../../src/worker/poll.ts';
import { createSettler } from '../../src/worker/settle.ts';
import { startFarSide } from '../fetch/far-side.ts';
import { accept, openStage, type Stage, taskOf } from '../generation/stage.ts';
import { until } from '../service/until.ts';
import { createFake } from './fake.ts';

const PICTURE = await sharp({ create: { width: 4, height: 4, channels: 3, background: 'teal' } })
  .png()
  .toBuffer();

let stage: Stage;
let folder: string;
beforeAll(async () => {
  stage = await openStage();
  folder = await mkdtemp(join(tmpdir(), 'darkroom-growing-'));
});
afterAll(async () => {
  await stage.close();
  await rm(folder, { recursive: true });
});

test('a picture that is listed only after the end was believed is still asked for, kept and told of', async ({
  onTestFinished,
}) => {
  await using farSide = await startFarSide((_, res) => void res.end(PICTURE));
  let isWhole = false;
  const list = (): PollReport => {
    const short = kites.asked.length === 1 ? ['b'] : ['b', 'a'];
    const images = (isWhole ? ['c', 'a', 'b'] : short).map((name) => ({
      url: `${farSide.url}/${name}.png`,
      seed: null,
    }));
    return { kind: 'FINISHED', images, credits: `${images.length}` };
  };
  const kites = createFake(list, { resultsLag: true, resultHosts: [farSide.host] });
  const domain = { ...stage.domain, catalogue: [kites] };
  const identity = createIdentity(domain, () => {});
  const fetch = createGuardedFetch({ allowedHosts: [] });
  const keeper = { fetch, storage: createDiskStorage(folder) };
  const limits = createLimits(domain);
  const loops = [
    createPoller(domain, [kites], identity),
    createCollector(domain, [kites], keeper, identity, limits),
    createSettler(domain, [kites], keeper, identity, limits),
  ];
  await identity.start();
  onTestFinished(async () => {
    await Promise.all(loops.map((loop) => loop.stop()));
    await Promise.all([identity.stop(), fetch.stop()]);
  });

  const { id } = await accept(stage, await stage.create(await stage.newCaller(), { images: 3 }));
  const look = () => {
    // By themselves they look once a second.
    for (const loop of loops) loop.wake();
    return stage.reload(id);
  };
  const sees = (holds: (now: Generation) => boolean) => until(look, holds, 20_000);
  for (const loop of loops) loop.start();
  const before = await sees(({ finishedAt }) => finishedAt !== null);
  expect(before).toMatchObject({ status: 'PARTIALLY_SUCCEEDED', assets: [{ state: 'STORED' }, { state: 'STORED' }] });

  // The same list again and again: nothing is told, and it is put off each time.
  const [asked, kept] = [kites.asked.length, (await listExchanges(domain, [taskOf(before).id])).length];
  const quiet = await sees(({ tasks }) => kites.asked.length > asked + 1 && tasks[0]?.workerId === null);
  expect(taskOf(quiet)).toMatchObject({ settleUntil: expect.any(Date) });
  expect([quiet.version, await listExchanges(domain, [taskOf(before).id])]).toEqual([
    before.version,
    expect.objectContaining({ length: kept }),
  ]);

  isWhole = true;
  const after = await sees(({ tasks }) => tasks[0]?.settleUntil === null);
  const { status, finishedAt, percent } = before;
  expect(after).toMatchObject({ status, finishedAt, percent, version: before.version + 2 });
  expect(after.assets.map(({ index, state, providerUrl }) => [index, state, providerUrl.at(-5)])).toEqual([
    [0, 'STORED', 'b'],
    [1, 'STORED', 'a'],
    [2, 'STORED', 'c'],
  ]);
  expect(taskOf(after).cost).toMatchObject({ providerCredits: '3' });
  expect((await stage.eventsOf(id)).slice(before.version).map(({ type }) => type)).toEqual([
    'COST_SETTLED',
    'ASSET_STORED',
  ]);
});
