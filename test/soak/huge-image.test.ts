import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { create, readUntil } from '../service/client.ts';
import { startService } from '../service/service.ts';

// Once more when it took too long: others share the machine.
test('[[huge-image]] ends RESULT_INVALID in bounded memory and time, and leaves no file', { retry: 1 }, async () => {
  const service = await startService();
  onTestFinished(service.stop);
  const before = process.memoryUsage().rss;
  let most = before;
  const gauge = setInterval(() => {
    most = Math.max(most, process.memoryUsage().rss);
  }, 20);
  const began = performance.now();
  const { generation: ordered } = await create(service.url, { prompt: 'A tower [[huge-image]] [[slow=0]]' });
  const generation = await readUntil(service.url, ordered.id).finally(() => clearInterval(gauge));
  expect(generation.failure?.code).toBe('RESULT_INVALID');
  expect(performance.now() - began).toBeLessThan(10_000);
  // The picture is a gigabyte long, and the sandbox that serves it is in this process too.
  expect((most - before) / 1024 / 1024).toBeLessThan(300);
  expect(await readdir(join(service.dataDir, 'assets/.incoming'))).toEqual([]);
  const kept = await readdir(join(service.dataDir, 'assets'), { recursive: true });
  expect(kept.filter((name) => name.includes(generation.id))).toEqual([]);
});
