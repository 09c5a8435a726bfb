import { expect, onTestFinished, test } from 'vitest';
import { createTestDatabase } from '../database.ts';
import { create, readUntil } from './client.ts';
import { makeFolder } from './folder.ts';
import { startService } from './service.ts';
import { until } from './until.ts';

test('a picture that was finished while the service was away past the deadline is brought home', async () => {
  const [database, folder] = [await createTestDatabase(), await makeFolder()];
  onTestFinished(async () => {
    await database.drop();
    await folder.remove();
  });
  const env = { DATABASE_URL: database.url, DATA_DIR: folder.path, DEADLINE_MS: '2500' };
  const before = await startService(env);
  const { generation } = await create(before.url, { prompt: 'A lighthouse [[slow=2]]' });
  const began = Date.now();
  await readUntil(before.url, generation.id, ({ tasks }) => tasks[0]?.providerTaskId != null);
  await before.stop();
  await until(
    () => Date.now() - began,
    (passed) => passed > 3_500,
  );

  const after = await startService(env);
  onTestFinished(() => after.stop());
  const finished = await readUntil(after.url, generation.id);
  expect(finished).toMatchObject({ status: 'SUCCEEDED', assets: [{ state: 'STORED' }] });
});
