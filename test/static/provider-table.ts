import { PROVIDER_SLUGS } from '../../src/config/provider-slugs.ts';
import type { DatedPrice, ProviderModel } from '../../src/generation/provider-model.ts';
import { ratiosOf, tiersOf } from '../../src/generation/sizes.ts';
import { createProviders } from '../../src/provider/catalogue.ts';
import type { Provider } from '../../src/provider/provider.ts';

type Fact = [name: string, of: (model: ProviderModel, provider: Provider) => string];

const FACTS: Fact[] = [
  ['slug', (_, { slug }) => `\`${slug}\``],
  ['its name of the model', ({ providerModelId }) => `\`${providerModelId}\``],
  ['prompt, characters', ({ promptLimit }) => count(promptLimit)],
  ['images a call', ({ maxImages }) => count(maxImages)],
  ['images of a series', ({ series }) => count(series?.maxImages)],
  ['orders a submission', ({ maxBatch }, { batch }) => count(batch ? maxBatch : 1)],
  ['references', ({ maxReferences }) => (maxReferences === 0 ? 'none' : count(maxReferences))],
  [
    'references and images',
    ({ maxReferencesPlusImages: most }) => (most === null ? 'no rule known' : `at most ${most}`),
  ],
  ['a reference goes as', ({ references }) => (references ? (references.form === 'URL' ? 'its URL' : 'bytes') : '')],
  ['a reference is', ({ references }) => references?.formats.join(', ') ?? ''],
  ['a reference has', ({ references }) => (references ? `at most ${toMegabytes(references.maxBytes)}` : '')],
  ['all references have', ({ references }) => (references ? allOf(references.maxTotalBytes) : '')],
  ['ratios', ({ sizes }) => ratiosOf(sizes).join(', ')],
  [
    'tiers',
    ({ sizes }) =>
      tiersOf(sizes)
        .map((tier) => tier.slice(1))
        .join(', '),
  ],
  ['exact pixels', ({ pixelArea }) => (pixelArea ? `${count(pixelArea.min)} to ${count(pixelArea.max)} in all` : 'no')],
  ['no size asked', ({ defaultPixels: size }) => (size ? `${size.width}x${size.height}` : 'not known')],
  ['output formats', ({ outputFormats }) => outputFormats.join(', ') || 'no choice'],
  ['output quality', ({ qualities }) => (qualities ? `${qualities.min} to ${qualities.max}` : 'no choice')],
  [
    'can also',
    ({ features }) =>
      features
        .filter((each) => !SHOWN_ELSEWHERE.has(each))
        .map(inWords)
        .join(', '),
  ],
  ['answers with', (_, { isSynchronous }) => (isSynchronous ? 'the images' : 'a task')],
  ['one poll asks about', (_, { isSynchronous, batch, pollBatch }) => pollOf(isSynchronous, batch !== null, pollBatch)],
  ['progress', ({ progress }) => (progress === 'REPORTED' ? 'reported' : 'estimated')],
  ['calls back', (_, { callback }) => (callback ? (callback.isGenuine ? 'signed' : 'by its address') : 'no')],
  ['a lost answer', ({ features }, { callback }) => lossOf(features.includes('RECOVERABLE_SUBMIT'), callback !== null)],
  ['result URLs live', ({ resultTtlSeconds }) => `${resultTtlSeconds / 3600} h`],
  ['requests a minute', (_, { limits }) => limitOf(limits.requestsPerMinute) + (limits.countsImages ? ' images' : '')],
  ['submissions at one time', (_, { limits }) => limitOf(limits.concurrency)],
  ['tells its account', (_, { account }) => (account ? 'yes' : 'no')],
  ['an image costs', ({ prices }) => priceOf(prices.at(-1))],
];

/** Rows of the table that say the same. */
const SHOWN_ELSEWHERE: ReadonlySet<string> = new Set([
  'REFERENCE_URL',
  'REFERENCE_BYTES',
  'WEBHOOK',
  'BATCH',
  'SERIES',
  'EXACT_PIXELS',
  'OUTPUT_QUALITY',
  'RECOVERABLE_SUBMIT',
]);

/** Every provider as the code has it, with the limits of its lowest tier: a column each, in Markdown. */
export function tableOfProviders(): string {
  const { providers } = createProviders({
    sandboxUrl: 'http://127.0.0.1:1',
    testProviders: PROVIDER_SLUGS,
    live: {},
    seedanceWebhookSecret: null,
    pollSchedule: { firstMs: 2_000, fastMs: 2_500, fastForMs: 20_000, slowMs: 7_500 },
    submitTimeoutMs: null,
    concurrency: {},
    requestsPerMinute: {},
    prices: [],
  });
  const columns = providers.flatMap((provider) => provider.models.map((model) => ({ provider, model })));
  const rows = FACTS.map(([name, of]) => [name, ...columns.map(({ provider, model }) => of(model, provider))]);
  const head = ['', ...columns.map(({ provider }) => provider.name)];
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function count(number: number | undefined): string {
  return number === undefined ? 'none' : number.toLocaleString('en');
}

function inWords(feature: string): string {
  return feature.toLowerCase().replaceAll('_', ' ');
}

function toMegabytes(bytes: number): string {
  return `${count(bytes / 1e6)} MB`;
}

function allOf(bytes: number | null): string {
  return bytes === null ? 'no rule known' : `at most ${toMegabytes(bytes)}`;
}

function pollOf(isSynchronous: boolean, hasBatches: boolean, pollBatch: number): string {
  if (isSynchronous) return 'never polled';
  if (hasBatches) return 'one task, or all of a batch';
  return pollBatch === 1 ? 'one task' : `${pollBatch} tasks`;
}

function lossOf(canAsk: boolean, callsBack: boolean): string {
  if (canAsk) return 'is asked for';
  return callsBack ? 'is told by the callback' : 'is never found';
}

function limitOf(limit: number | null): string {
  return limit === null ? 'none known' : count(limit);
}

function priceOf(price: DatedPrice | undefined): string {
  return price ? `${price.amount} ${price.currency} (${price.from})` : 'not known';
}
