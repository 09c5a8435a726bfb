import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { PollReport } from '../../src/generation/provider-report.ts';
import type { ProviderRequest } from '../../src/generation/provider-request.ts';
import type { AdapterOptions, Provider } from '../../src/provider/provider.ts';
import { createReApi } from '../../src/provider/reapi/reapi.ts';
import { createRunware } from '../../src/provider/runware/runware.ts';
import { createThreeDAiStudio } from '../../src/provider/threedaistudio/threedaistudio.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';
import { askOne, order, toOptions } from './adapters.ts';
import { createRequest, SENDING } from './gptimage2.ts';

const AT_ONCE = 'a red kite [[slow=0]]';
const { signal } = new AbortController();
let sandbox: Sandbox;
let orders = 0;

beforeAll(async () => {
  sandbox = await startSandbox({ port: 0 });
});
afterAll(() => sandbox.stop());

interface Case {
  create: (options: AdapterOptions) => Provider;
  /** References of the form it takes, as many as it takes. */
  references: { uri: string }[];
  billed: string;
}

const links = Array.from({ length: 14 }, (_, i) => ({ uri: `https://a.example/${i}.png` }));
const bytes = Array.from({ length: 10 }, () => ({ uri: `data:image/png;base64,${'iVBORw0KGgo'.repeat(1000)}` }));

const CASES: [slug: string, Case][] = [
  ['runware', { create: createRunware, references: links, billed: 'UNKNOWN' }],
  ['reapi', { create: createReApi, references: links, billed: 'NO' }],
  ['threedaistudio', { create: createThreeDAiStudio, references: bytes, billed: 'UNKNOWN' }],
];

describe.each(CASES)('%s, as the sandbox speaks it,', (slug, { create, references, billed }) => {
  const createHere = () => create(toOptions(`${sandbox.url}/${slug}`));
  const modelOf = ({ models: [model] }: Provider) => {
    if (!model) throw new Error('no model');
    return model;
  };

  test('makes a picture that can be fetched', async () => {
    // A page in its place: to draw one takes a second.
    const [image] = await makeAll(createHere(), { prompt: `${AT_ONCE} [[bad-image]]` });
    const response = await fetch(image?.url ?? '');
    expect([response.status, await response.text()]).toEqual([200, expect.stringContaining('html')]);
  });

  test('takes every size on offer, each format, quality and switch', async () => {
    const provider = createHere();
    const { sizes, outputFormats, features, pixelArea, qualities } = modelOf(provider);
    const asked: Partial<ProviderRequest>[] = [
      ...sizes.map(({ aspectRatio, resolution, needsReferences }) => ({
        size: { aspectRatio, resolution },
        references: needsReferences ? references.slice(0, 1) : [],
      })),
      ...(pixelArea ? [{ size: { width: 2560, height: 1440 } }, { size: { width: 4096, height: 4096 } }] : []),
      ...outputFormats.map((outputFormat) => ({ outputFormat })),
      ...(qualities ? [{ outputQuality: qualities.min }, { outputQuality: qualities.max }] : []),
      ...(features.includes('SEED') ? [{ seed: 0 }] : []),
      ...(features.includes('WATERMARK_SWITCH') ? [{ watermark: true }, { watermark: false }] : []),
      ...(features.includes('SAFETY_SWITCH') ? [{ safety: 'ON' as const }, { safety: 'OFF' as const }] : []),
    ];
    const answers = await Promise.all(asked.map((changes) => orderHere(provider, changes)));
    expect(answers.filter(({ report }) => report.kind !== 'ACCEPTED')).toEqual([]);
  });

  test('takes as many images, references and both as its limits say, and makes them all', async () => {
    const provider = createHere();
    const { maxImages, maxReferencesPlusImages } = modelOf(provider);
    const beside = Math.min(maxImages, (maxReferencesPlusImages ?? Infinity) - references.length);
    const made = await Promise.all([
      makeAll(provider, { images: maxImages }),
      makeAll(provider, { images: beside, references }),
    ]);
    expect(made.map((images) => new Set(images.map(({ url }) => url)).size)).toEqual([maxImages, beside]);
  });

  test('makes a series where it offers one', async () => {
    const provider = createHere();
    const { series } = modelOf(provider);
    if (!series) return expect(slug).toBe('threedaistudio');
    expect((await makeAll(provider, { images: series.maxImages, series: true })).length).toBe(series.maxImages);
  });

  test('fails, blocks and delivers less, each in the documented way', async () => {
    const provider = createHere();
    const end = (directive: string) => endOf(provider, { images: 3, prompt: `${AT_ONCE} [[${directive}]]` });
    const ends = await Promise.all(['fail', 'moderated', 'partial=2'].map(end));
    expect(ends).toMatchObject([
      { kind: 'FAILED', failure: { billed } },
      { kind: 'FAILED', failure: { code: 'MODERATED_OUTPUT', billed } },
      { kind: 'FINISHED', images: { length: 2 } },
    ]);
  });

  test('turns away, and loses answers', async () => {
    const provider = createHere();
    const submit = async (directive: string) =>
      (await orderHere(provider, { prompt: `${AT_ONCE} [[${directive}]]` })).report;
    expect(await submit('no-credits')).toMatchObject({
      kind: 'NOT_NOW',
      failure: { code: 'PROVIDER_CREDITS_EXHAUSTED' },
    });
    expect(await submit('rate-limited=1')).toMatchObject({ kind: 'NOT_NOW', failure: { code: 'RATE_LIMITED' } });
    expect(await submit('lost-answer')).toMatchObject({ kind: 'AMBIGUOUS' });
    expect(await submit('submit-500')).toMatchObject({ kind: 'AMBIGUOUS' });
  });

  test('tells of a task that runs, and of one with a word nobody documented', async () => {
    const provider = createHere();
    const { report } = await orderHere(provider, { prompt: 'a red kite [[odd-status]]' });
    const id = report.kind === 'ACCEPTED' ? report.providerTaskId : '';
    expect(await askOne(provider, id)).toMatchObject({
      report: { kind: 'RUNNING' },
      exchange: { error: expect.stringMatching(/^unknown status/) },
    });
  });
});

test('Runware delivers what an answer lost, once, and its cost and seeds with it', async () => {
  const provider = createRunware(toOptions(`${sandbox.url}/runware`));
  for (const directive of ['lost-answer', 'submit-500']) {
    const sending = { ...SENDING, reference: nextReference() };
    const prompt = `${AT_ONCE} [[${directive}]]`;
    const body = provider.compose(createRequest({ images: 2, prompt }), sending);
    expect((await provider.submit(body, signal)).report.kind).toBe('AMBIGUOUS');
    const recover = () =>
      provider.recover?.({ id: 'sub_1', reference: sending.reference, body }, async () => true, signal);
    const [first, second] = [await recover(), await recover()];
    const accepted = { kind: 'ACCEPTED', providerTaskId: sending.reference, credits: null, etaSeconds: null };
    expect([first?.report, second?.report]).toEqual([accepted, accepted]);
    // Once more under the same name is refused: it is there.
    expect((await provider.submit(body, signal)).report).toEqual(accepted);
    expect((await askOne(provider, sending.reference)).report).toMatchObject({
      kind: 'FINISHED',
      images: [{ seed: expect.stringMatching(/^\d+$/) }, { seed: expect.stringMatching(/^\d+$/) }],
      cost: { amount: '0.07', currency: 'USD' },
    });
  }
});

test('a submission that Runware never had is sent by its recovery', async () => {
  const provider = createRunware(toOptions(`${sandbox.url}/runware`));
  const reference = nextReference();
  const body = provider.compose(createRequest({ prompt: AT_ONCE }), { ...SENDING, reference });
  const answer = await provider.recover?.({ id: 'sub_1', reference, body }, async () => true, signal);
  expect(answer?.report).toMatchObject({ kind: 'ACCEPTED', providerTaskId: reference });
  expect((await askOne(provider, reference)).report.kind).toBe('FINISHED');
});

function orderHere(provider: Provider, changes: Partial<ProviderRequest>) {
  return order(provider, { prompt: AT_ONCE, ...changes }, { ...SENDING, reference: nextReference() });
}

async function makeAll(provider: Provider, changes: Partial<ProviderRequest>) {
  const end = await endOf(provider, changes);
  if (end.kind !== 'FINISHED') throw new Error(JSON.stringify(end));
  return end.images;
}

async function endOf(provider: Provider, changes: Partial<ProviderRequest>): Promise<PollReport> {
  const { report } = await orderHere(provider, changes);
  if (report.kind !== 'ACCEPTED') throw new Error(JSON.stringify(report));
  return vi.waitUntil(
    async () => {
      const answer = await askOne(provider, report.providerTaskId);
      return ['FINISHED', 'FAILED'].includes(answer.report.kind) ? answer.report : null;
    },
    { timeout: 5_000, interval: 50 },
  );
}

/** A UUID v4 that no other order has. */
function nextReference(): string {
  orders += 1;
  return `6f8a4a8e-2f4b-4c62-9d0a-${String(orders).padStart(12, '0')}`;
}
