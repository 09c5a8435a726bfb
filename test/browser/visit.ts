import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { vi } from 'vitest';
import { startApp } from '../../src/app.ts';
import { readConfig } from '../../src/config/config.ts';
import { createLogger } from '../../src/logger.ts';
import { makeFolder } from '../service/folder.ts';
import { until } from '../service/until.ts';

// npm run test:browser: needs a Chromium, by default Debian's; CHROMIUM names another.
const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium';
const QUIET = ['--no-sandbox', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
/** The page's processor is made so many times slower: CPU_SLOWDOWN=6 npm run test:browser. */
const SLOWDOWN = Number(process.env.CPU_SLOWDOWN ?? '1');
/** Far beyond what a busy machine takes; nothing waits longer than it must. */
const WITHIN_MS = 60_000;

vi.setConfig({ testTimeout: 3 * WITHIN_MS, hookTimeout: 3 * WITHIN_MS });

export interface Visit {
  url: string;
  page: Page;
  /** Requests that left the service, and whatever the page complained of. */
  elsewhere: string[];
  faults: string[];
  /** Presses a tab, and run as soon as its text is there. */
  run(tab: string): Promise<void>;
  /** Presses both in one turn of the page, before it can notice the first. */
  runAtOnce(tab: string): Promise<void>;
  /** What the result panel shows, once it matches; its lines are broken where the panel ends. */
  result(pattern: RegExp): Promise<string>;
  /** Holds the pointer over a word in the editor and gives what is shown of it, once it matches. */
  explain(word: string, pattern: RegExp): Promise<string>;
  stop(): Promise<void>;
}

/** Starts the service as `env` says and opens its page in a fresh browser. */
export async function startVisit(env: Record<string, string> = {}): Promise<Visit> {
  const folder = await makeFolder();
  const app = await startApp(readConfig({ DATA_DIR: folder.path, PORT: '0', ...env }).config, createLogger('silent'));
  const browser = await chromium.launch({ executablePath: EXECUTABLE, args: QUIET });
  const url = app.url ?? '';
  const context = await browser.newContext({ viewport: { width: 1400, height: 860 } });
  const page = await openPage(context);
  const complaints = watchPage(page, url);
  await page.goto(`${url}/graphql`);
  await page.locator('.graphiql-execute-button').waitFor();

  return {
    url,
    page,
    ...complaints,
    async run(tab) {
      await page.getByRole('tab', { name: tab }).getByText(tab).click();
      await page.locator('.graphiql-query-editor').getByText(tab, { exact: true }).waitFor();
      await page.locator('.graphiql-execute-button').click();
    },
    async runAtOnce(tab) {
      await page.getByRole('tab', { name: tab }).evaluate((element) => {
        const run = document.querySelector<HTMLElement>('.graphiql-execute-button');
        (element.matches('button') ? element : element.querySelector('button'))?.click();
        run?.click();
      });
    },
    result: (pattern) =>
      until(
        () => readResult(page),
        (text) => pattern.test(text),
        WITHIN_MS,
      ),
    explain: (word, pattern) =>
      until(
        () => hoverOver(page, word),
        (text) => pattern.test(text),
        WITHIN_MS,
      ),
    stop: () => stopVisit(browser, app.stop, folder.remove),
  };
}

async function openPage(context: BrowserContext): Promise<Page> {
  const page = await context.newPage();
  page.setDefaultTimeout(WITHIN_MS);
  if (SLOWDOWN > 1) {
    const session = await context.newCDPSession(page);
    await session.send('Emulation.setCPUThrottlingRate', { rate: SLOWDOWN });
  }
  return page;
}

function watchPage(page: Page, url: string): Pick<Visit, 'elsewhere' | 'faults'> {
  const elsewhere: string[] = [];
  const faults: string[] = [];
  page.on('request', (request) => {
    if (!request.url().startsWith(`${url}/`) && !/^(blob|data):/.test(request.url())) elsewhere.push(request.url());
  });
  page.on('pageerror', ({ message }) => faults.push(message));
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text());
  });
  return { elsewhere, faults };
}

/** The editor draws the lines in sight only; that they are broken there is undone. */
async function readResult(page: Page): Promise<string> {
  const text = await page.locator('.graphiql-response .view-lines').innerText();
  return text.replaceAll('\u00a0', ' ').replaceAll(/\s*\n\s*/g, ' ');
}

/** The editor shows nothing of a word that was pointed at before it knew the schema: come again. */
async function hoverOver(page: Page, word: string): Promise<string> {
  const shown = page.locator('.monaco-hover:visible');
  await page.mouse.move(0, 0);
  await page.locator('.graphiql-query-editor .view-lines span').getByText(word, { exact: true }).last().hover();
  await shown.waitFor({ timeout: 2_000 }).catch(() => {});
  return (await shown.allInnerTexts()).join(' ');
}

async function stopVisit(browser: Browser, ...others: (() => Promise<void>)[]): Promise<void> {
  await browser.close();
  for (const stop of others) await stop();
}
