import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { z } from 'zod';
import { PROVIDER_SLUGS, type ProviderSlug } from '../../src/config/provider-slugs.ts';
import { openReferenceHost } from '../chaos/reference-host.ts';
import { readSubmission } from '../chaos/submission.ts';
import { createTestDatabase } from '../database.ts';
import { CERT } from '../sandbox/loopback-certificate.ts';
import { startChild } from '../service/child.ts';
import {
  CREATE,
  type Created,
  create,
  type Generation,
  listCharges,
  query,
  read,
  TEST_KEY,
} from '../service/client.ts';
import { makeFolder } from '../service/folder.ts';
import { SECRET, type Service, startService } from '../service/service.ts';
import { until } from '../service/until.ts';
import {
  DIRECTIVES,
  type End,
  type EndsOf,
  HASTY,
  HUGE,
  NO_CREDITS,
  PARTIAL,
  ratio,
  SIZES,
  SPLIT,
  WELL,
} from './six-ends.ts';

/** Of a hundred orders at once; what is looked for is not how long somebody waits for a turn. */
const UNHURRIED = {
  POLL_FIRST_MS: '100',
  POLL_FAST_MS: '100',
  POLL_SLOW_MS: '100',
  PROVIDER_REQUESTS_PER_MINUTE: 'modelark=60000,threedaistudio=60000,seedance=60000',
  PROVIDER_CONCURRENCY: 'modelark=1000,seedance=1000',
};
const PATIENCE_MS = 150_000;
vi.setConfig({ testTimeout: PATIENCE_MS, maxConcurrency: 40 });
const testProviders = PROVIDER_SLUGS;
let service: Service;
/** Gives up soon. */
let hasty: Service;
beforeAll(async () => {
  service = await startService({ ...UNHURRIED, UNCERTAIN_HOLD_MS: '20000' }, { testProviders });
  const soon = { DEADLINE_MS: '2500', SUBMIT_TIMEOUT_MS: '1500', UNCERTAIN_HOLD_MS: '300' };
  hasty = await startService({ ...UNHURRIED, ...soon }, { testProviders });
});
afterAll(async () => {
  await service?.stop();
  await hasty?.stop();
});

const each = PROVIDER_SLUGS.map((slug) => [slug] as const);

test.concurrent('what never ends, or is not known when it is asked for, is given up at the deadline, and no credits wait for it', async () => {
  await Promise.all(PROVIDER_SLUGS.map((slug) => expectEnds(hasty, HASTY, slug)));
  // At last: after that nothing more is sent to any of them.
  const poor = await Promise.all(PROVIDER_SLUGS.map((slug) => order(hasty, slug, '[[no-credits]]')));
  expect(poor.map(endOf)).toEqual(PROVIDER_SLUGS.map(() => NO_CREDITS));
  expect(await countCharged(hasty, poor)).toBe(0);
});

test.concurrent.each(each)('%s: every form of a size comes as the pixels that are documented', async (slug) => {
  const made = await Promise.all(SIZES[slug].map(([size]) => order(service, slug, '', { size })));
  expect(made.map(endOf)).toEqual(SIZES[slug].map(() => WELL));
  const shapes = made.map(({ assets }) => assets.map(({ width, height }) => `${width}x${height}`));
  expect(shapes).toEqual(SIZES[slug].map(([, wanted], i) => [wanted ?? shapes[i]?.[0]]));
  expect(await countCharged(service, made)).toBe(made.length);
});

test.concurrent.each(each)('%s: three images fill three slots, each billed once', async (slug) => {
  const generation = await order(service, slug, '', { images: 3 });
  expect(endOf(generation)).toBe(WELL);
  expect(generation.tasks).toHaveLength(SPLIT[slug]);
  expect(generation.slots.map(({ asset }) => asset?.id)).toEqual(generation.assets.map(({ id }) => id));
  const charges = await chargesOf(service, [generation]);
  expect(charges.reduce((sum, { images }) => sum + images, 0)).toBe(3);
  // One that takes batches is sent all three at once.
  const requests = new Set(charges.map(({ requestHash }) => requestHash));
  if (slug === 'seedance') expect(requests.size).toBe(1);
});

test.concurrent.each([['modelark'], ['runware'], ['reapi']] as const)('%s: a series is one task', async (slug) => {
  const generation = await order(service, slug, '', { images: 3, series: true });
  expect([endOf(generation), generation.tasks.length, generation.assets.length]).toEqual([WELL, 1, 3]);
});

test.concurrent.each(each)(
  '%s: of [[partial=1]] one picture comes, and the other slot says why it does not',
  async (slug) => {
    const series = slug === 'modelark';
    const generation = await order(service, slug, '[[partial=1]]', { images: 2, series });
    const [first, second] = generation.slots;
    expect(first).toMatchObject({ asset: { id: generation.assets[0]?.id }, failure: null });
    const { code, billed } = second?.failure ?? {};
    expect([code, billed].join(' ').trim()).toBe(PARTIAL[slug]);
    expect(generation.status).toBe(PARTIAL[slug] === '' ? WELL : 'PARTIALLY_SUCCEEDED');
  },
);

test.concurrent.each(each)(
  '%s: every directive ends as it does at this provider, sent and billed at most once',
  async (slug) => {
    const made = await expectEnds(service, DIRECTIVES, slug);
    const charges = await chargesOf(service, made);
    expect(new Set(charges.map(({ prompt }) => prompt)).size).toBe(charges.length);
  },
);

test('a picture without an end is given up, whoever made it', async () => {
  await Promise.all(PROVIDER_SLUGS.map((slug) => expectEnds(service, HUGE, slug)));
});

test('references reach each provider in the form that it takes, and one that takes none is not asked', async () => {
  const [folder, database, host] = [await makeFolder(), await createTestDatabase(), await openReferenceHost()];
  onTestFinished(async () => {
    await host.stop();
    await database.drop();
    await folder.remove();
  });
  const certificate = join(folder.path, 'certificate.pem');
  await writeFile(certificate, CERT);
  const { url, sandboxUrl } = await startChild({
    ...UNHURRIED,
    DATA_DIR: folder.path,
    DATABASE_URL: database.url,
    SECRET_KEYS: SECRET,
    BOOTSTRAP_API_KEY: TEST_KEY,
    FETCH_ALLOWED_HOSTS: host.hosts.join(','),
    // Whoever takes https alone is served from this machine all the same.
    NODE_EXTRA_CA_CERTS: certificate,
  });
  const place = { url, sandboxUrl };
  const two = [{ uri: host.urls.https }, { uri: host.urls.https }];
  const takers = PROVIDER_SLUGS.filter((slug) => slug !== 'seedance');
  const made = await Promise.all([
    ...takers.map((slug) => order(place, slug, '', { references: two })),
    order(place, 'reapi', '', { references: two, size: ratio('auto', 'R3K') }),
    order(place, 'modelark', '', { references: two, images: 2, series: true }),
  ]);
  expect(made.map(endOf)).toEqual(made.map(() => WELL));

  const log = await readLog(place);
  const sent = log.filter(({ method, path, body }) => readSubmission(method, path, JSON.stringify(body)) !== null);
  const forms = sent.map(({ path, body }) => `${path.split('/')[1]} ${findReferences(body).map(formOf)}`);
  const formAt = (slug: string) => (slug === 'threedaistudio' ? 'bytes' : host.urls.https);
  const wanted = [...takers, 'modelark', 'reapi'].map((slug) => `${slug} ${[formAt(slug), formAt(slug)]}`);
  expect(forms.sort()).toEqual(wanted.sort());

  const input = { prompt: 'Boat', references: two, routing: { providers: ['seedance'] } };
  const { data } = await query<{ createGeneration: Created }>(url, CREATE, { input });
  expect(data.createGeneration.errors).toMatchObject([{ code: 'UNSUPPORTED' }]);
});

test('no provider refused a request but where the prompt asked for it', async () => {
  for (const place of [service, hasty]) {
    const log = await readLog(place);
    const refused = log.filter(({ status }) => status !== null && status >= 400);
    const unasked = refused.filter((request) => !isAskedFor(request));
    expect(unasked.map(({ method, path, status }) => `${method} ${path} ${status}`)).toEqual([]);
    expect(log.length).toBeGreaterThan(PROVIDER_SLUGS.length);
  }
});

let orders = 0;

type Place = Pick<Service, 'url' | 'sandboxUrl'>;

/** Orders of one provider alone, and waits for the end. What a picture shows is outside of the brackets. */
async function order({ url }: Place, slug: ProviderSlug, script: string, more: object = {}): Promise<Generation> {
  const routing = { providers: [slug], onFailure: 'FAIL' };
  const seconds = (0.3 + orders++ / 100_000).toFixed(5);
  const { generation } = await create(url, { prompt: `Boat [[slow=${seconds}]] ${script}`, routing, ...more });
  return until(() => readLater(url, generation.id), isFinished, PATIENCE_MS);
}

/** A hundred of them wait at a time. */
async function readLater(url: string, id: string): Promise<Generation> {
  await sleep(300);
  return read(url, id);
}

function isFinished({ finishedAt }: Generation): boolean {
  return finishedAt !== null;
}

function endOf({ status, failure }: Generation): End {
  return [status, failure?.code, failure?.billed].join(' ').trim();
}

/** Orders what the table has for a provider, all at once, and holds the ends against it. */
async function expectEnds(place: Place, table: Record<string, EndsOf>, slug: ProviderSlug): Promise<Generation[]> {
  const wanted = Object.entries(table)
    .map(([directive, { all, ...own }]) => [directive, own[slug] === undefined ? all : own[slug]] as const)
    .filter(([, end]) => end !== null);
  const made = await Promise.all(wanted.map(([directive]) => order(place, slug, `[[${directive}]]`)));
  expect(made.map((generation, i) => [wanted[i]?.[0], endOf(generation)])).toEqual(wanted);
  return made;
}

async function chargesOf({ sandboxUrl }: Place, made: readonly Generation[]) {
  const prompts = new Set(made.map(({ prompt }) => prompt));
  return (await listCharges(sandboxUrl)).filter(({ prompt }) => prompts.has(prompt));
}

async function countCharged(place: Place, made: readonly Generation[]): Promise<number> {
  return (await chargesOf(place, made)).length;
}

interface Logged {
  method: string;
  path: string;
  status: number | null;
  body: unknown;
}

async function readLog({ sandboxUrl }: Place): Promise<Logged[]> {
  return (await (await fetch(`${sandboxUrl}/_log`)).json()) as Logged[];
}

/** Whatever it is called. */
function findReferences(body: unknown): string[] {
  const sent = Wire.parse(Array.isArray(body) ? body[0] : body);
  return sent.image_urls ?? sent.image ?? sent.inputs?.referenceImages ?? [];
}

const Wire = z.looseObject({
  image_urls: z.array(z.string()).optional(),
  image: z.array(z.string()).optional(),
  inputs: z.object({ referenceImages: z.array(z.string()) }).optional(),
});

function formOf(uri: string): string {
  return /^data:image\/png;base64,[\w+/]/.test(uri) ? 'bytes' : uri;
}

/** A refusal that the prompt scripts, or of what it has made unknown or too old. */
function isAskedFor({ method, path, status, body }: Logged): boolean {
  if (method === 'GET') return status === (path.includes('/files/') ? 403 : 404);
  const text = JSON.stringify(body);
  if (status === 400) return text.includes('[[moderated]]');
  if (status === 402 || status === 403) return text.includes('[[no-credits]]');
  if (status === 429) return text.includes('[[rate-limited');
  return status === 500 && text.includes('[[submit-500]]');
}
