import { afterAll, beforeAll, expect, test } from 'vitest';
import { startVisit, type Visit } from './visit.ts';

let visit: Visit;
beforeAll(async () => {
  visit = await startVisit();
});
afterAll(() => visit?.stop());

test('a first visitor gets from the empty page to a picture with two clicks on run, and nothing is loaded from elsewhere', async () => {
  const { page, run, result, elsewhere, faults } = visit;
  await run('Create');
  await result(/"id": "gen_\w+", "status": "QUEUED"/);
  await run('Watch');
  await result(/"percent": [1-9]/);
  const watched = await result(/"final": true.*"state": "STORED".*"failure": null/);
  const link = /"uri": "([^"]+)"/.exec(watched)?.[1]?.replaceAll(' ', '') ?? '';
  // Underlined: a link to whoever presses Ctrl.
  await page.locator('.graphiql-response .detected-link').first().waitFor();
  await page.screenshot({ ...(process.env.SCREENSHOT && { path: process.env.SCREENSHOT }) });

  const { status, headers } = await fetch(link);
  expect([status, headers.get('content-type')]).toEqual([200, 'image/jpeg']);
  expect({ elsewhere, faults }).toEqual({ elsewhere: [], faults: [] });
});

test.each([
  ['Look', /"status": "SUCCEEDED".*"slots": \[ { "index": 0, "asset": { "url": { "uri": "http/],
  ['List', /"generations": { "edges": \[ { "node": { "id": "gen_\w+", "status": "SUCCEEDED"/],
  ['Providers', /"providers": \[ { "name": "GPTImage2".*"maxImages": 15/],
  [
    'Quote',
    /"routes": \[ { "provider": { "name": "GPTImage2" }, "eligible": true, "chosen": false.*"asked": "R3K", "sent": "R2K"/,
  ],
  ['Exchanges', /"exchanges": \[ { "at": ".*"method": "GET", "url": "http.*"status": 200/],
  ['Events', /"edges": \[ { "node": { "at": "[^"]+", "type": "GENERATION_CREATED"/],
  ['Watch', /"kind": "SNAPSHOT", "final": true/],
  ['Create', /"replayed": true/],
])(
  'the tab %s runs as it is, even when run is pressed in the instant in which the tab is chosen',
  async (tab, answer) => {
    const { runAtOnce, result, faults } = visit;
    await runAtOnce(tab);
    expect(await result(/^{ ("errors"|"data").*}/)).toMatch(answer);
    expect(faults).toEqual([]);
  },
);

test('a reload keeps the tabs as they were', async () => {
  const { page } = visit;
  const before = await page.locator('.graphiql-tab').allInnerTexts();
  expect(before).toHaveLength(8);
  await page.reload();
  await page.locator('.graphiql-execute-button').waitFor();
  expect(await page.locator('.graphiql-tab').allInnerTexts()).toEqual(before);
});

test.each([
  ['a field', 'replayed', /True when the idempotency key had been used for this same request before\./],
  ['an argument', 'input', /What to make\./],
  ['an input field', 'idempotencyKey', /One key per intended purchase; send the SAME key on every retry of it/],
  ['an enum value', 'R2K', /About 4 megapixels, 2048x2048 when square\./],
])('the pointer over %s shows what it means', async (_what, word, description) => {
  await visit.page.getByRole('tab', { name: 'Create' }).getByText('Create').click();
  expect(await visit.explain(word, description)).toMatch(description);
});

test('the docs describe a type and each of its values', async () => {
  const { page } = visit;
  await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
  await page.getByRole('link', { name: 'GenerationStatus', exact: true }).click();
  const docs = page.locator('.graphiql-plugin');
  await docs.getByText('Where a generation stands.').waitFor();
  await docs.getByText('Accepted by us; nothing has been sent to a provider.').waitFor();
  await docs.getByText('Every image asked for is stored.').waitFor();
});

test('whatever ran in the page could reach nothing but this service', async () => {
  const refused = await visit.page.evaluate(
    () =>
      new Promise((resolve) => {
        addEventListener('securitypolicyviolation', ({ effectiveDirective }) => resolve(effectiveDirective));
        fetch('http://127.0.0.1:9/').catch(() => {});
        setTimeout(() => resolve('no rule was broken'), 20_000);
      }),
  );
  expect(refused).toBe('connect-src');
});
