import { afterAll, beforeAll, expect, test } from 'vitest';
import { claimTasks } from '../../src/generation/claim.ts';
import { sampleImages } from '../generation/samples.ts';
import { taskOf, tell } from '../generation/stage.ts';
import { isPutOff, openShop, type Shop } from './shop.ts';

let shop: Shop;
beforeAll(async () => {
  shop = await openShop();
});
afterAll(() => shop.close());

test('whatever is to be done with a task, without its provider it is put off for half a minute, and the try does not count', async () => {
  const canceled = await shop.cancel(await shop.send('NONE', 'to be settled'));
  const finished = await finish('to be collected');
  const { generation: uncertain } = await shop.mark('ASK', 'to be found out');
  const queued = await shop.create('NONE', 'to be submitted');
  await shop.silenceAll();
  await shop.startWorker([shop.providers.CALLBACK]);
  const seen = [canceled, finished, uncertain, queued].map((each) => shop.sees(each, isPutOff));
  const left = (await Promise.all(seen)).map(taskOf).map(({ status, tries }) => [status, tries]);
  expect(left).toEqual([
    ['CANCELED', 0],
    ['COLLECTING', 0],
    ['UNCERTAIN', 0],
    ['QUEUED', 0],
  ]);
});

/** Done by its provider; its picture is not home. */
async function finish(prompt: string) {
  const { domain, register, send } = shop;
  const generation = await send('NONE', prompt);
  const [task] = await claimTasks(domain, { workerId: await register(), statuses: ['ACCEPTED'], limit: 1 });
  const about = { taskId: taskOf(generation).id, token: task?.leaseToken ?? 0 };
  const report = { kind: 'FINISHED', images: sampleImages(1), credits: null } as const;
  return tell(domain, generation, { kind: 'POLLED', ...about, pollCount: 1, report, resultTtlSeconds: 3_600 });
}
