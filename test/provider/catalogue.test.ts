import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { ConfigError } from '../../src/config/config.ts';
import { PROVIDER_SLUGS } from '../../src/config/provider-slugs.ts';
import { createProviders, type ProviderOptions } from '../../src/provider/catalogue.ts';
import { DIALECTS } from '../../src/sandbox/dialects.ts';
import { readGolden } from './golden.ts';
import { json, startServer, startSocketServer } from './server.ts';

const { signal } = new AbortController();
const pollSchedule = { firstMs: 1, fastMs: 2, fastForMs: 3, slowMs: 4 };

test('without a sandbox and without an account there is no provider', () => {
  expect(create({}).providers).toEqual([]);
});

test('the sandbox is reached under its own path, with a sandbox key, and may hold results', async () => {
  const sandbox = await startServer(json(200, readGolden('gptimage2-submit-response')));
  const [provider] = create({ sandboxUrl: sandbox.url }).providers;
  await provider?.submit({}, signal);
  expect(provider).toMatchObject({
    slug: 'gptimage2',
    mode: 'TEST',
    pollSchedule,
    resultHosts: [new URL(sandbox.url).host],
  });
  expect(sandbox.received).toMatchObject([
    { path: '/gptimage2/v1/images/generations', headers: { authorization: expect.stringMatching(/^Bearer sandbox-/) } },
  ]);
});

test('an account makes a LIVE provider that trusts no private host', () => {
  const live = { gptimage2: { apiKey: 'sk-evo-x', baseUrl: 'https://api.evolink.ai' } };
  expect(create({ live }).providers).toMatchObject([{ slug: 'gptimage2', mode: 'LIVE', resultHosts: [] }]);
});

test('the sandbox stands for all six in TEST, each under a path of its own, or for those that are wanted', async () => {
  const sandbox = await startServer(json(401, {}));
  const { providers } = create({ sandboxUrl: sandbox.url, testProviders: PROVIDER_SLUGS });
  expect(providers.map(({ slug, mode }) => [slug, mode])).toEqual(PROVIDER_SLUGS.map((slug) => [slug, 'TEST']));
  for (const provider of providers) await provider.submit({}, signal);
  const mounts = sandbox.received.map(({ path }) => path.split('/')[1]);
  expect(mounts).toEqual(PROVIDER_SLUGS);
  expect(DIALECTS.map(({ slug }) => slug)).toEqual(PROVIDER_SLUGS);
  const some = create({ sandboxUrl: sandbox.url, testProviders: ['seedance', 'runware'] });
  expect(some.providers.map(({ slug }) => slug)).toEqual(['runware', 'seedance']);
});

test('each account makes its provider live, in the order of the catalogue', () => {
  const accounts = PROVIDER_SLUGS.map((slug) => [slug, { apiKey: 'key', baseUrl: `https://${slug}.example` }]);
  const { providers } = create({ live: Object.fromEntries(accounts.reverse()) });
  expect(providers.map(({ slug, mode }) => [slug, mode])).toEqual(PROVIDER_SLUGS.map((slug) => [slug, 'LIVE']));
});

test('callbacks of Seedance are believed with the secret of their mode, and not asked for without one', () => {
  const live = { seedance: { apiKey: 'key', baseUrl: 'https://seedance.example' } };
  const make = (seedanceWebhookSecret: string | null) =>
    create({ sandboxUrl: 'http://127.0.0.1:1', testProviders: ['seedance'], live, seedanceWebhookSecret }).providers;
  const isGenuine = (secret: string) => {
    const signature = createHmac('sha256', secret).update('{}').digest('hex');
    const headers = { 'x-seedance-signature': signature };
    return make('of-the-account').map(({ callback }) => callback?.isGenuine?.(Buffer.from('{}'), headers));
  };
  expect([isGenuine('sandbox-webhook-secret'), isGenuine('of-the-account')]).toEqual([
    [true, false],
    [false, true],
  ]);
  expect(make(null).map(({ callback }) => callback === null)).toEqual([false, true]);
});

test('configured limits replace those of the code, for every tier, and leave the others', () => {
  const overrides = { concurrency: { seedance: 7 }, requestsPerMinute: { seedance: 99, threedaistudio: 30 } };
  const providers = (changes: Partial<ProviderOptions>) =>
    create({ sandboxUrl: 'http://127.0.0.1:1', testProviders: PROVIDER_SLUGS, ...changes }).providers;
  const limitsOf = (slug: string, changes: Partial<ProviderOptions> = {}) =>
    providers(changes).find((each) => each.slug === slug);
  expect(limitsOf('seedance', overrides)?.limits).toEqual({
    concurrency: 7,
    batches: 5,
    requestsPerMinute: 99,
    batch: 5,
  });
  expect(limitsOf('seedance', overrides)?.limitsOf?.('pro')).toEqual({
    concurrency: 7,
    batches: 5,
    requestsPerMinute: 99,
    batch: 50,
  });
  expect(limitsOf('seedance', overrides)?.limitsOf?.('gold')).toBe(null);
  expect(limitsOf('threedaistudio', overrides)?.limits.requestsPerMinute).toBe(30);
  expect(limitsOf('threedaistudio')?.limits.requestsPerMinute).toBe(3);
  const [slow, fast] = [{}, overrides].map((each) => limitsOf('threedaistudio', each)?.pollSchedule.fastMs ?? 0);
  expect(slow).toBeGreaterThan(fast ?? 0);
  expect(limitsOf('modelark', overrides)?.limits).toEqual(limitsOf('modelark')?.limits);
});

test('configured prices replace those of the code for what they name, the oldest first, and leave the others', () => {
  const listed = { provider: 'seedance', model: 'seedream-5.0-lite', currency: 'USD' } as const;
  const later = { ...listed, from: '2026-06-01', amount: '0.09' };
  const sooner = { ...listed, from: '2026-01-01', amount: '0.08' };
  const pricesOf = (prices: ProviderOptions['prices']) =>
    create({ sandboxUrl: 'http://127.0.0.1:1', testProviders: ['runware', 'seedance'], prices }).providers.map(
      ({ models }) => models[0]?.prices,
    );
  const [runware, seedance] = pricesOf([]);
  expect(seedance).toEqual([{ from: '2026-04-10', amount: '0.07', currency: 'USD' }]);
  expect(pricesOf([later, sooner])).toEqual([
    runware,
    [
      { from: '2026-01-01', amount: '0.08', currency: 'USD' },
      { from: '2026-06-01', amount: '0.09', currency: 'USD' },
    ],
  ]);
});

test('a price for a model that its provider does not offer is a fault of the configuration', () => {
  const price = {
    provider: 'gptimage2',
    model: 'seedream-5',
    from: '2026-01-01',
    amount: '1',
    currency: 'USD',
  } as const;
  const make = () => create({ sandboxUrl: 'http://127.0.0.1:1', prices: [price, { ...price, from: '2026-02-01' }] });
  expect(make).toThrow(new ConfigError(['PRICES_FILE names the model "seedream-5", which gptimage2 does not offer.']));
});

test('the configured time for a submission is that of every provider', async () => {
  const { url } = await startServer(() => {});
  const live = { gptimage2: { apiKey: 'sk-evo-x', baseUrl: url } };
  const { providers } = create({ sandboxUrl: url, live, submitTimeoutMs: 100 });
  const answers = await Promise.all(providers.map((provider) => provider.submit({}, signal)));
  expect(answers.map(({ exchange }) => exchange.error)).toEqual(Array(2).fill('no complete answer within 100 ms'));
});

test('a base URL that is no http URL is refused when the provider is made', () => {
  const live = { gptimage2: { apiKey: 'sk-evo-x', baseUrl: 'ftp://api.example' } };
  expect(() => create({ live })).toThrow("A provider's base URL must be http or https.");
});

test('stop closes the connections kept between polls, and those still being made', async () => {
  const closed: Promise<unknown>[] = [];
  const sandbox = await startServer((response, request) => {
    closed.push(once(request.socket, 'close'));
    json(200, readGolden('gptimage2-completed'))(response, request);
  });
  const handshake = await startSocketServer((socket) => closed.push(once(socket.resume(), 'close')));
  const live = { gptimage2: { apiKey: 'sk-evo-x', baseUrl: handshake.url.replace('http:', 'https:') } };
  const { providers, stop } = create({ sandboxUrl: sandbox.url, live });
  const [quick, slow] = providers;
  await quick?.ask(['a'], signal);
  const poll = slow?.ask(['a'], signal);
  await expect.poll(() => closed.length).toBe(2);
  await stop();
  await Promise.all(closed);
  expect(await poll).toMatchObject([{ report: { kind: 'SILENT' } }]);
  expect(await quick?.ask(['a'], signal)).toMatchObject([{ report: { kind: 'SILENT' } }]);
}, 3_000);

function create(options: Partial<ProviderOptions>) {
  const none = {
    sandboxUrl: null,
    testProviders: ['gptimage2'],
    live: {},
    seedanceWebhookSecret: null,
    pollSchedule,
    submitTimeoutMs: null,
    concurrency: {},
    requestsPerMinute: {},
    prices: [],
  };
  const made = createProviders({ ...none, ...options });
  onTestFinished(() => made.stop());
  return made;
}
