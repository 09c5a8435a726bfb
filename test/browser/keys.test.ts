import { afterAll, beforeAll, expect, test } from 'vitest';
import { TEST_KEY } from '../service/client.ts';
import { startVisit, type Visit } from './visit.ts';

let visit: Visit;
beforeAll(async () => {
  // A live provider closes the service; the key is for the sandbox.
  visit = await startVisit({
    BOOTSTRAP_API_KEY: TEST_KEY,
    GPTIMAGE2_API_KEY: 'a-key-that-is-never-sent',
    GPTIMAGE2_BASE_URL: 'http://127.0.0.1:9',
  });
});
afterAll(() => visit?.stop());

test('without a key the docs work, and a run says that one is needed and how to send it', async () => {
  const { explain, run, runAtOnce, result } = visit;
  await explain('replayed', /True when the idempotency key had been used/);
  await run('Create');
  expect(await result(/"code": "UNAUTHENTICATED"/)).toContain('A key is needed: send the header');
  await runAtOnce('Watch');
  expect(await result(/"code": "UNAUTHENTICATED"/)).toContain('A key is needed: send the header');
});

test('a key typed once in the Headers panel serves every tab: create, and watch to the end', async () => {
  const { page, run, result, elsewhere } = visit;
  await page.getByRole('tab', { name: 'Create' }).getByText('Create').click();
  await page.getByRole('button', { name: 'Headers', exact: true }).click();
  await page.locator('.graphiql-editor-tool .graphiql-editor:not(.hidden)').click();
  await page.keyboard.insertText(JSON.stringify({ Authorization: `Bearer ${TEST_KEY}` }));
  // GraphiQL notes what is typed 100 ms later, by the clock of the page: a later timer comes after that one.
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 200)));
  await run('Create');
  await result(/"id": "gen_\w+", "status": "QUEUED"/);
  await run('Watch');
  await result(/"final": true.*"state": "STORED"/);
  expect(elsewhere).toEqual([]);
});

test('the key is not kept on the disk of a visitor who did not ask for it', async () => {
  const kept = await visit.page.evaluate(() => JSON.stringify(localStorage));
  expect(kept).toContain('createGeneration');
  expect(kept).not.toContain(TEST_KEY);
});
