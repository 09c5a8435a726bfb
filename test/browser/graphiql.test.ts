import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type App, startApp } from '../../src/app.ts';
import { readConfig } from '../../src/config/config.ts';
import { createLogger } from '../../src/logger.ts';

// npm run test:browser: needs a Chromium, by default Debian's; CHROMIUM names another.
const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium';
const QUIET = ['--no-sandbox', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

let dataDir: string;
let app: App;
let browser: Browser;
let page: Page;
const elsewhere: string[] = [];
const faults: string[] = [];

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'darkroom-browser-'));
  await chmod(dataDir, 0o711);
  app = await startApp(readConfig({ DATA_DIR: dataDir, PORT: '0' }).config, createLogger('silent'));
  browser = await chromium.launch({ executablePath: EXECUTABLE, args: QUIET });
  page = await browser.newPage({ viewport: { width: 1400, height: 860 } });
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(`${app.url}/`) && !/^(blob|data):/.test(url)) elsewhere.push(url);
  });
  page.on('pageerror', ({ message }) => faults.push(message));
  await page.goto(`${app.url}/graphql`);
});

afterAll(async () => {
  await browser?.close();
  await app?.stop();
  if (dataDir) await rm(dataDir, { recursive: true, force: true });
});

test('a first visitor gets from the empty page to a picture with two clicks on run, and nothing is loaded from elsewhere', async () => {
  await run('Create');
  await expect.poll(result, { timeout: 10_000 }).toMatch(/"id": "gen_\w+",\s+"status": "QUEUED"/);
  await run('Watch');
  await expect.poll(result, { timeout: 10_000 }).toMatch(/"percent": [1-9]/);
  await expect.poll(result, { timeout: 20_000 }).toMatch(/"final": true/);
  const link = /"uri": "([^"]+)"/.exec((await result()).replaceAll(/\s*\n\s*/g, ''))?.[1] ?? '';
  await page.screenshot({ path: process.env.SCREENSHOT ?? join(dataDir, 'watched.png') });
  const picture = await fetch(link);
  expect([picture.status, picture.headers.get('content-type')]).toEqual([200, 'image/jpeg']);
  expect({ elsewhere, faults }).toEqual({ elsewhere: [], faults: [] });
});

test('a reload keeps the tabs as they were', async () => {
  const before = await tabs();
  await page.reload();
  await page.locator('.graphiql-execute-button').waitFor();
  expect(await tabs()).toEqual(before);
});

async function run(tab: string): Promise<void> {
  await page.getByRole('tab', { name: tab }).getByText(tab).click();
  await expect.poll(() => page.locator('.graphiql-tab-active').innerText()).toContain(tab);
  await page.locator('.graphiql-execute-button').click();
}

/** The editor draws only the lines in sight, so its model is read. */
async function result(): Promise<string> {
  return (await page.locator('.graphiql-response .view-lines').innerText()).replaceAll('\u00a0', ' ');
}

function tabs(): Promise<string[]> {
  return page.locator('.graphiql-tab').allInnerTexts();
}
