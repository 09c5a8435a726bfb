import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { drizzle } from 'drizzle-orm/postgres-js';
import { pino } from 'pino';
import postgres from 'postgres';
import type { Database } from '../../src/db/connect.ts';
import { startEmbedded } from '../../src/db/embedded/embedded.ts';
import { newId } from '../../src/db/id.ts';
import { migrate } from '../../src/db/migrate.ts';
import * as schema from '../../src/db/schema.ts';
import { type EventFilter, readFeed } from '../../src/events/read.ts';
import { pageCursor } from '../../src/generation/cursor.ts';
import { type GenerationFilter, listGenerations, type Page } from '../../src/generation/list.ts';
import type { Caller } from '../../src/workspace/caller.ts';
import { createdAt, EVENTS_EACH, fill, rowId } from './fill.ts';

const ROWS = Number(process.argv[2] ?? 1_000_000);
const RUNS = 15;
const log = pino({ level: 'silent' });
const caller: Caller = { workspaceId: newId('wsp'), mode: 'TEST', scopes: ['READ'], apiKeyId: null };

/**
 * What a page costs at the start, in the middle and at the end of a million generations and their events, on the packaged
 * PostgreSQL: medians of 15 runs each, and how many times the cost of the first page that is. Takes some minutes.
 */
const dataDir = await mkdtemp(join(tmpdir(), 'darkroom-bench-'));
const server = await startEmbedded({ dataDir, log });
await migrate(server.url, log);
const client = postgres(server.url, { max: 2, onnotice: () => {} });
const db: Database = drizzle(client, { schema });
try {
  await fill(client, caller, ROWS);
  say(`${ROWS.toLocaleString('en')} generations, ${(ROWS * EVENTS_EACH).toLocaleString('en')} events`);
  await compareGenerations();
  await compareFeed();
} finally {
  await client.end();
  await server.stop();
  await rm(dataDir, { recursive: true, force: true });
}

async function compareGenerations(): Promise<void> {
  const any: GenerationFilter = {
    status: null,
    provider: null,
    createdAfter: null,
    createdBefore: null,
    promptContains: null,
  };
  const rare = 'lighthouse number 77777 ';
  const filters: [string, Partial<GenerationFilter>, number[]?][] = [
    ['no filter', {}],
    ['status RUNNING (1 in 100,000)', { status: ['RUNNING'] }],
    ['status FAILED (1 in 1,000)', { status: ['FAILED'] }],
    ['status FAILED or RUNNING', { status: ['FAILED', 'RUNNING'] }],
    ['status SUCCEEDED, FAILED or RUNNING', { status: ['SUCCEEDED', 'FAILED', 'RUNNING'] }],
    ['created in the first hour', { createdBefore: createdAt(3_600) }, [1]],
    [
      'created in one hour in the middle',
      { createdAfter: createdAt(ROWS / 2), createdBefore: createdAt(ROWS / 2 + 3_600) },
      [1],
    ],
    ['provider of 1 in 10,000', { provider: ['rare'] }, [1]],
    ['provider of nearly all', { provider: ['kites'] }],
    ['promptContains, 1 of all', { promptContains: rare }, [1]],
    ['promptContains, all', { promptContains: 'Lighthouse' }],
  ];
  say('\ngenerations, 20 a page          ms at: newest  middle  oldest   ratio to the newest, unfiltered first page');
  const first = () => listGenerations({ db }, caller, { first: 20, after: null, last: null, before: null }, any);
  for (const [name, filter, places = [1, 0.5, 0]] of filters) {
    for (const direction of ['forwards', 'backwards'] as const) {
      const costs: Cost[] = [];
      for (const place of direction === 'backwards' && places.length === 1 ? [0] : places) {
        const cursor = cursorAt(place);
        const page: Page =
          direction === 'forwards'
            ? { first: 20, after: cursor, last: null, before: null }
            : { first: null, after: null, last: 20, before: cursor };
        costs.push(await measure(() => listGenerations({ db }, caller, page, { ...any, ...filter }), first));
      }
      report(`${name}, ${direction}`, costs);
    }
  }
}

async function compareFeed(): Promise<void> {
  const last = ROWS * EVENTS_EACH;
  const one = [generationId(0.5)];
  const filters: [string, EventFilter][] = [
    ['no filter', { types: null, generationIds: null }],
    ['type of every third', { types: ['GENERATION_FINISHED'], generationIds: null }],
    ['type of 1 in 100,000', { types: ['ASSET_LOST'], generationIds: null }],
    ['one generation', { types: null, generationIds: one }],
  ];
  say('\nevents, 100 a page              ms at: oldest  middle  newest   ratio to the oldest, unfiltered page');
  const first = () => readFeed(db, caller, { after: 0, limit: 100 });
  for (const [name, filter] of filters) {
    const costs: Cost[] = [];
    for (const after of [0, last / 2, last - 20_000]) {
      costs.push(await measure(() => readFeed(db, caller, { after: Math.floor(after), limit: 100, filter }), first));
    }
    report(name, costs);
  }
  const caughtUp = await measure(() => readFeed(db, caller, { after: last, limit: 100 }), first);
  report('caught up: an empty page', [caughtUp]);
}

/** Not the very ends: on either side of it there is a whole page. */
function cursorAt(place: number): string {
  const row = Math.min(Math.max(Math.round(ROWS * place), 50), ROWS - 50);
  return pageCursor({ ...caller, id: generationId(row / ROWS), createdAt: createdAt(row) });
}

function generationId(place: number): string {
  return rowId('gen', Math.max(1, Math.round(ROWS * place)));
}

interface Cost {
  ms: number;
  ratio: number;
}

/** The work and what it is compared with take turns, so that whatever else this machine does is done to both. */
async function measure(work: () => Promise<unknown>, base: () => Promise<unknown>): Promise<Cost> {
  const [times, others]: [number[], number[]] = [[], []];
  for (let run = 0; run < RUNS; run++) {
    others.push(await timeOf(base));
    times.push(await timeOf(work));
  }
  return { ms: median(times), ratio: median(times) / median(others) };
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

function median(times: number[]): number {
  return times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
}

function report(name: string, costs: Cost[]): void {
  const ms = costs.map((cost) => cost.ms.toFixed(1).padStart(8)).join('');
  const ratios = costs.map(({ ratio }) => `×${ratio.toFixed(2)}`.padStart(8)).join('');
  say(`${name.padEnd(46)}${ms.padEnd(24)}${ratios}`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
