import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createGuardedFetch } from '../../src/fetch/guarded-fetch.ts';
import type { Domain } from '../../src/generation/domain.ts';
import type { ReportedImage } from '../../src/generation/provider-report.ts';
import { takeTurn } from '../../src/generation/turns.ts';
import type { Generation } from '../../src/generation/types.ts';
import { createDiskStorage } from '../../src/storage/disk.ts';
import { createCollector } from '../../src/worker/collect.ts';
import { createIdentity } from '../../src/worker/identity.ts';
import { createLimits } from '../../src/worker/limits.ts';
import { startFarSide } from '../fetch/far-side.ts';
import { accept, openStage, type Stage, taskOf, tell } from '../generation/stage.ts';
import { until } from '../service/until.ts';
import { createFake } from './fake.ts';

const PICTURE = await sharp({ create: { width: 4, height: 4, channels: 3, background: 'teal' } })
  .png()
  .toBuffer();

let stage: Stage;
let folder: string;
beforeAll(async () => {
  stage = await openStage();
  folder = await mkdtemp(join(tmpdir(), 'darkroom-collect-'));
});
afterAll(async () => {
  await stage.close();
  await rm(folder, { recursive: true });
});

test('a fresh URL is not asked for without a turn: the image waits, is no nearer to being given up, and comes home later', async () => {
  await using farSide = await startFarSide((req, res) => {
    if (req.url === '/fresh.png') res.end(PICTURE);
    else res.writeHead(404).end();
  });
  const imagesAt = (name: string): ReportedImage[] => [{ url: `${farSide.url}/${name}.png`, seed: null }];
  const limits = { concurrency: null, requestsPerMinute: 1, batch: null };
  const fresh = () => ({ kind: 'FINISHED', images: imagesAt('fresh'), credits: null }) as const;
  const kites = createFake(fresh, { limits, resultHosts: [farSide.host] });
  const domain: Domain = { ...stage.domain, catalogue: [kites] };
  const generation = await finishedAt(imagesAt('stale'));
  const { id, providerTaskId } = taskOf(generation);
  await takeTurn(domain.db, { provider: kites.slug, mode: kites.mode, limits });

  const identity = createIdentity(domain, () => {});
  const fetch = createGuardedFetch({ allowedHosts: [] });
  const keeper = { fetch, storage: createDiskStorage(folder) };
  const collector = createCollector(domain, [kites], keeper, identity, createLimits(domain));
  await identity.start();
  collector.start();
  await until(
    async () => taskOf(await stage.reload(generation.id)),
    ({ tries, workerId }) => tries > 0 && workerId === null,
  );
  const waiting = await stage.reload(generation.id);
  expect([kites.asked, new Set(farSide.seen)]).toEqual([[], new Set(['/stale.png'])]);
  expect(waiting).toMatchObject({
    tasks: [{ status: 'COLLECTING' }],
    assets: [{ state: 'PENDING', badLooks: 0, refreshes: 0 }],
  });

  await domain.db.execute(sql`update provider_states set turn_at = null`);
  await domain.db.execute(sql`update tasks set next_at = clock_timestamp() where id = ${id}`);
  collector.wake();
  const after = await until(
    () => stage.reload(generation.id),
    ({ finishedAt: at }) => at !== null,
  );
  await collector.stop();
  await identity.stop();
  await fetch.stop();
  expect(after).toMatchObject({ status: 'SUCCEEDED', assets: [{ state: 'STORED', refreshes: 1 }] });
  expect([kites.asked, farSide.seen.at(-1)]).toEqual([[providerTaskId], '/fresh.png']);
});

/** Accepted, and its provider has said where its images are. */
async function finishedAt(images: ReportedImage[]): Promise<Generation> {
  const accepted = await accept(stage, await stage.create(await stage.newCaller()));
  const { id: taskId, leaseToken: token } = taskOf(accepted);
  const report = { kind: 'FINISHED', images, credits: null } as const;
  return tell(stage.domain, accepted, {
    kind: 'POLLED',
    taskId,
    token,
    pollCount: 1,
    report,
    resultTtlSeconds: 3_600,
  });
}
