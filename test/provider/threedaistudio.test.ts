import { expect, test } from 'vitest';
import type { PollReport } from '../../src/generation/provider-report.ts';
import type { ProviderRequest } from '../../src/generation/provider-request.ts';
import { createThreeDAiStudio } from '../../src/provider/threedaistudio/threedaistudio.ts';
import { DATA_URI_BODY_BYTES } from '../../src/sandbox/dialect.ts';
import { askOne, KEY, order, POLL_SCHEDULE, toOptions } from './adapters.ts';
import { readGolden } from './golden.ts';
import { createRequest, SENDING } from './gptimage2.ts';
import { findClosedUrl, json, startServer } from './server.ts';

const TASK = 'a1b2c3d4-e5f6-7890-abcd-ef1234567890';
const createAt = (url: string) => createThreeDAiStudio(toOptions(url));
const { compose, ...provider } = createAt('https://api.example');
const bare = { prompt: 'a red kite' };
const running = (percent: number | null): PollReport => ({ kind: 'RUNNING', percent, etaSeconds: null });
const ratio = (aspectRatio: string, resolution: 'R2K' | 'R3K' | null = null) => ({ size: { aspectRatio, resolution } });

test("the requests of seed 003 are composed as the seed's own bodies", () => {
  const [generate, edit] = ['generate', 'edit'].map((verb) => JSON.parse(readGolden(`threedaistudio-${verb}-request`)));
  const asked = createRequest({ prompt: generate.prompt, images: 2, ...ratio('16:9') });
  const edited = createRequest({
    prompt: edit.prompt,
    references: [{ uri: edit.image_urls[0] }],
    ...ratio('auto', 'R2K'),
  });
  expect([compose(asked, SENDING), compose(edited, SENDING)]).toEqual([generate, edit]);
});

test.each<[string, Partial<ProviderRequest>, Record<string, unknown>]>([
  ['nothing but what was asked for', {}, {}],
  ['1:1', ratio('1:1'), { image_size: 'square_hd' }],
  ['4:3', ratio('4:3'), { image_size: 'landscape_4_3' }],
  ['3:4', ratio('3:4'), { image_size: 'portrait_4_3' }],
  ['16:9', ratio('16:9'), { image_size: 'landscape_16_9' }],
  ['9:16', ratio('9:16'), { image_size: 'portrait_16_9' }],
  ['auto', ratio('auto'), { image_size: 'auto_2K' }],
  ['auto in 2K', ratio('auto', 'R2K'), { image_size: 'auto_2K' }],
  ['auto in 3K', ratio('auto', 'R3K'), { image_size: 'auto_3K' }],
  ['several images', { images: 6 }, { num_images: 6 }],
  ['a seed', { seed: 0 }, { seed: 0 }],
  ['the safety checker on', { safety: 'ON' }, { enable_safety_checker: true }],
  ['the safety checker off', { safety: 'OFF' }, { enable_safety_checker: false }],
  [
    'no field that no source documents',
    { style: 'anime', colors: ['#fff'], thinking: 'DEEP', outputFormat: 'PNG', outputQuality: 90, watermark: true },
    {},
  ],
])('a body holds %s', (_, changes, added) => {
  expect(compose(createRequest(changes), SENDING)).toEqual({ ...bare, ...added });
});

test('a ratio with a tier, exact pixels and another model are errors, not silent defaults', () => {
  expect(() => compose(createRequest(ratio('1:1', 'R2K')), SENDING)).toThrow('3D AI Studio does not offer the size');
  expect(() => compose(createRequest({ size: { width: 2048, height: 2048 } }), SENDING)).toThrow('does not offer');
  expect(() => compose(createRequest({ model: 'x' }), SENDING)).toThrow('the model x');
});

test('all that the references may weigh goes into one body that the sandbox reads', () => {
  const [model] = provider.models;
  const [most, total] = [model?.maxReferences ?? 0, model?.references?.maxTotalBytes ?? 0];
  const uri = `data:image/jpeg;base64,${'A'.repeat(4 * Math.ceil(total / most / 3))}`;
  // No character is longer as JSON.
  const prompt = '\u0001'.repeat(model?.promptLimit ?? 0);
  const body = compose(createRequest({ prompt, references: Array(most).fill({ uri }) }), SENDING);
  const bytes = Buffer.byteLength(JSON.stringify(body));
  expect([bytes > total, bytes <= DATA_URI_BODY_BYTES]).toEqual([true, true]);
});

test.each<[string, Partial<ProviderRequest>, string]>([
  ['generate', {}, TASK],
  ['edit', { references: [{ uri: 'data:image/png;base64,iVBOR...' }] }, 'f7e8d9c0-b1a2-3456-7890-abcdef012345'],
])("seed 003's answer to %s is an acceptance, to one POST whose path ends in a slash", async (verb, changes, id) => {
  const server = await startServer(json(200, readGolden(`threedaistudio-${verb}-response`)));
  const { report } = await order(createAt(`${server.url}/prefix/`), changes);
  expect(report).toEqual({ kind: 'ACCEPTED', providerTaskId: id, credits: null, etaSeconds: null });
  expect(server.received).toMatchObject([
    {
      method: 'POST',
      path: `/prefix/v1/images/seedream/v5/lite/${verb}/`,
      headers: { authorization: `Bearer ${KEY}` },
    },
  ]);
  expect(JSON.parse(server.received[0]?.body ?? '')).toEqual(compose(createRequest(changes), SENDING));
});

const throttled = 'Request was throttled. Expected available in 17 seconds.';

test.each<[number, unknown, object]>([
  [400, { code: 'validation_failed' }, { kind: 'REFUSED', failure: { code: 'PROVIDER_REJECTED', billed: 'NO' } }],
  [
    400,
    {
      error: 'enable_safety_checker: a boolean, please. The safety checker takes no words.',
      code: 'validation_failed',
    },
    { kind: 'REFUSED', failure: { code: 'PROVIDER_REJECTED' } },
  ],
  [400, { error: 'Blocked by the safety filter.' }, { kind: 'REFUSED', failure: { code: 'MODERATED_PROMPT' } }],
  [
    401,
    { error: 'invalid_api_key' },
    { kind: 'NOT_NOW', failure: { code: 'PROVIDER_REJECTED' }, retryAfterMs: 30_000 },
  ],
  [
    402,
    { error: { code: 'insufficient_credits' } },
    { kind: 'NOT_NOW', failure: { code: 'PROVIDER_CREDITS_EXHAUSTED' } },
  ],
  [429, { detail: throttled }, { kind: 'NOT_NOW', failure: { code: 'RATE_LIMITED' }, retryAfterMs: 17_000 }],
  [429, { error: throttled }, { kind: 'NOT_NOW', retryAfterMs: 17_000 }],
  [429, { error: { message: throttled, code: 'rate_limited' } }, { kind: 'NOT_NOW', retryAfterMs: 17_000 }],
  [429, { error: 'Slow down.' }, { kind: 'NOT_NOW', retryAfterMs: null }],
  [200, { created_at: 'now' }, { kind: 'AMBIGUOUS', failure: { code: 'OUTCOME_UNKNOWN', billed: 'UNKNOWN' } }],
  [200, { task_id: 'a b' }, { kind: 'AMBIGUOUS' }],
  [503, { detail: throttled }, { kind: 'AMBIGUOUS' }],
])('a submission answered by HTTP %i with %j is %j', async (status, body, report) => {
  const server = await startServer(json(status, body));
  expect((await order(createAt(server.url))).report).toMatchObject(report);
  expect(server.received.length).toBe(1);
});

test.each<[unknown, string | null, string | null]>([
  [{ error: 'insufficient_credits' }, 'insufficient_credits', null],
  [{ error: 'Not enough.', code: 'insufficient_credits' }, 'insufficient_credits', 'Not enough.'],
  [{ error: { code: 'insufficient_credits', message: 'Not enough.' } }, 'insufficient_credits', 'Not enough.'],
  [{ error: { detail: 'Not enough.' } }, null, 'Not enough.'],
  [{ error: 'insufficient_credits', message: 'Not enough.' }, 'insufficient_credits', 'Not enough.'],
  [{ code: 402, detail: 'Not enough.' }, '402', 'Not enough.'],
  [{ message: 'Not enough.' }, null, 'Not enough.'],
  ['[]', null, null],
])('the words of the error %j are found', async (body, providerCode, providerMessage) => {
  const server = await startServer(json(402, body));
  const { report } = await order(createAt(server.url));
  expect(report).toMatchObject({ kind: 'NOT_NOW', failure: { providerCode, providerMessage } });
});

test('a poll is one GET whose path ends in a slash', async () => {
  const server = await startServer(json(200, readGolden('threedaistudio-finished')));
  await askOne(createAt(server.url), 'a/b');
  expect(server.received).toMatchObject([
    {
      method: 'GET',
      path: '/v1/generation-request/a%2Fb/status/',
      headers: { authorization: `Bearer ${KEY}` },
      body: '',
    },
  ]);
});

const asset = (asset_url: unknown, asset: unknown = null) => ({
  asset_url,
  asset,
  asset_type: 'IMAGE',
  thumbnail: null,
});
const early = 'FINISHED before its assets were there';

test.each<[string, unknown, object, string | null]>([
  [
    "seed 003's finished task",
    readGolden('threedaistudio-finished'),
    { kind: 'FINISHED', images: [{ url: 'https://cdn.3daistudio.com/images/img_001.png', seed: null }], credits: null },
    null,
  ],
  [
    'assets without asset_url',
    { status: 'FINISHED', results: [asset(null, 'https://a.example/1'), { asset: 'https://a.example/2' }] },
    { kind: 'FINISHED', images: [{ url: 'https://a.example/1' }, { url: 'https://a.example/2' }] },
    null,
  ],
  ['FINISHED without results', { status: 'FINISHED', progress: 100 }, running(null), early],
  [
    'FINISHED with empty assets',
    { status: 'FINISHED', progress: 100, results: [asset(null), {}] },
    running(null),
    early,
  ],
  [
    'FINISHED with one of two assets',
    { status: 'FINISHED', progress: 100, results: [asset('https://a.example/1'), asset('', '')] },
    running(null),
    early,
  ],
  ['PENDING', { status: 'PENDING', progress: 0 }, { kind: 'PENDING', etaSeconds: null }, null],
  ['IN_PROGRESS', { status: 'IN_PROGRESS', progress: 40 }, running(40), null],
  ['IN_PROGRESS past its end', { status: 'IN_PROGRESS', progress: 180 }, running(100), null],
  ['IN_PROGRESS without progress', { status: 'IN_PROGRESS', results: null }, running(null), null],
  ['a word nobody documented', { status: 'RUNNING', progress: 7 }, running(7), 'unknown status "RUNNING"'],
  ['no status', { progress: 7 }, { kind: 'SILENT' }, 'the answer states no status'],
  [
    'FAILED',
    { status: 'FAILED', progress: 0, failure_reason: 'Out of memory', results: [] },
    {
      kind: 'FAILED',
      failure: { code: 'PROVIDER_ERROR', billed: 'UNKNOWN', retryable: true, providerMessage: 'Out of memory' },
    },
    null,
  ],
  [
    'FAILED for its content',
    { status: 'FAILED', failure_reason: 'Content was blocked by the safety checker.' },
    { kind: 'FAILED', failure: { code: 'MODERATED_OUTPUT', retryable: false } },
    null,
  ],
  ['ERROR', { status: 'ERROR' }, { kind: 'FAILED', failure: { code: 'PROVIDER_ERROR' } }, null],
  ['CANCELLED', { status: 'CANCELLED' }, { kind: 'FAILED', failure: { code: 'CANCELED' } }, null],
])('a poll may answer with %s', async (_, body, report, oddity) => {
  const server = await startServer(json(200, body));
  const answer = await askOne(createAt(server.url), TASK);
  expect(answer.report).toMatchObject(report);
  expect(answer.exchange.error).toBe(oddity);
});

test.each<[number, unknown, object]>([
  [404, { detail: 'Not found.' }, { kind: 'MISSING', failure: { code: 'PROVIDER_LOST', billed: 'UNKNOWN' } }],
  [404, '<html>', { kind: 'SILENT' }],
  [429, { detail: throttled }, { kind: 'SILENT', failure: { code: 'RATE_LIMITED' }, retryAfterMs: 17_000 }],
  [401, { error: 'api_key_expired' }, { kind: 'SILENT', failure: { code: 'PROVIDER_REJECTED' } }],
  [500, { status: 'FAILED' }, { kind: 'SILENT', failure: { billed: 'UNKNOWN' } }],
])('a poll answered by HTTP %i with %j is %j', async (status, body, report) => {
  const server = await startServer(json(status, body));
  expect((await askOne(createAt(server.url), TASK)).report).toMatchObject(report);
});

test('without a connection nothing was sent, and a poll says nothing', async () => {
  const closed = createAt(await findClosedUrl());
  expect((await order(closed)).report).toMatchObject({ kind: 'NOT_NOW', failure: { billed: 'NO' } });
  expect((await askOne(closed, TASK)).report).toMatchObject({ kind: 'SILENT' });
});

test('one task alone never uses up the requests of a minute', () => {
  const agreed = [null, 60, 6].map((requestsPerMinute) =>
    createThreeDAiStudio({ ...toOptions('https://a.example'), requestsPerMinute }),
  );
  const schedules = [provider, ...agreed].map(({ limits, pollSchedule }) => [limits.requestsPerMinute, pollSchedule]);
  const slow = { firstMs: 20_000, fastMs: 20_000, fastForMs: 20_000, slowMs: 20_000 };
  expect(schedules).toEqual([
    [3, slow],
    [3, slow],
    [60, POLL_SCHEDULE],
    [6, { ...slow, firstMs: 10_000, fastMs: 10_000, slowMs: 10_000 }],
  ]);
});

test('a lost answer cannot be made good, and nobody calls back', () => {
  expect([provider.recover, provider.callback, provider.batch, provider.account]).toEqual([null, null, null, null]);
});
