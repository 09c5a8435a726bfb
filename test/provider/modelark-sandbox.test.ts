import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ProviderRequest } from '../../src/generation/provider-request.ts';
import type { Provider } from '../../src/provider/provider.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';
import { createRequest, SENDING } from './gptimage2.ts';
import { createModelArkAt } from './modelark.ts';

let sandbox: Sandbox;
let provider: Provider;
beforeAll(async () => {
  sandbox = await startSandbox({ port: 0 });
  provider = createModelArkAt(`${sandbox.url}/modelark`);
});
afterAll(() => sandbox.stop());

test('one image comes as one image, told of before the end, and can be fetched', async () => {
  const { report, told } = await order({ prompt: 'a red kite [[slow=0]]', outputFormat: 'PNG' });
  expect(report).toMatchObject({ kind: 'FINISHED', undelivered: [] });
  expect(told).toEqual([1]);
  const [image] = report.kind === 'FINISHED' ? report.images : [];
  const file = await fetch(image?.url ?? '');
  expect([file.status, file.headers.get('content-type')]).toEqual([200, 'image/png']);
});

test('a series comes image by image, and each that is missing says why', async () => {
  const { report, told } = await order({ prompt: 'a kite [[slow=0]] [[partial=2]]', series: true, images: 3 });
  const undelivered = [{ code: 'MODERATED_OUTPUT', billed: 'NO' }];
  expect(report).toMatchObject({ kind: 'FINISHED', images: [{}, {}], undelivered });
  expect(told).toEqual([1, 2]);
});

test.each<[string, object]>([
  ['fail', { kind: 'FINISHED', images: [], undelivered: [{ code: 'PROVIDER_ERROR', billed: 'NO', retryable: true }] }],
  ['moderated', { kind: 'REFUSED', failure: { code: 'MODERATED_PROMPT', billed: 'NO' } }],
  ['rate-limited=1', { kind: 'NOT_NOW', failure: { code: 'RATE_LIMITED', billed: 'NO' } }],
  ['no-credits', { kind: 'NOT_NOW', failure: { code: 'PROVIDER_CREDITS_EXHAUSTED', billed: 'NO' } }],
  ['submit-500', { kind: 'AMBIGUOUS' }],
  ['lost-answer', { kind: 'AMBIGUOUS' }],
  ['odd-status', { kind: 'FINISHED', images: [{}] }],
])('[[%s]] is %j', async (directive, report) => {
  expect((await order({ prompt: `a kite [[slow=0]] [[${directive}]]` })).report).toMatchObject(report);
});

test('no size, no format and no mark that it offers is refused by it', async () => {
  const [model] = provider.models;
  const sizes = [null, ...(model?.sizes ?? []), { width: 2560, height: 1440 }];
  // Which are refused is known before any image is made.
  const prompt = 'a kite [[no-credits]]';
  for (const size of sizes) await expectTaken({ prompt, size });
  for (const outputFormat of model?.outputFormats ?? []) await expectTaken({ prompt, outputFormat });
  await expectTaken({ prompt, watermark: true, options: { runware: null, modelark: { webSearch: true } } });
  const references = Array.from({ length: model?.maxReferences ?? 0 }, (_, i) => ({
    uri: `https://a.example/${i}.png`,
  }));
  await expectTaken({ prompt, references });
});

async function expectTaken(changes: Partial<ProviderRequest>): Promise<void> {
  const { report } = await order(changes);
  expect(report, JSON.stringify(changes)).toMatchObject({ failure: { code: 'PROVIDER_CREDITS_EXHAUSTED' } });
}

async function order(changes: Partial<ProviderRequest>) {
  const told: number[] = [];
  const body = provider.compose(createRequest(changes), SENDING);
  const { report } = await provider.submit(body, new AbortController().signal, async ({ images }) => {
    told.push(images.length);
  });
  return { report, told };
}
