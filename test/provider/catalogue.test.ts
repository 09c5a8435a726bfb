import { expect, test } from 'vitest';
import { createProviders } from '../../src/provider/catalogue.ts';
import { readGolden } from './golden.ts';
import { json, startServer } from './server.ts';

const poll = { firstMs: 1, fastMs: 2, fastForMs: 3, slowMs: 4 };
const none = { sandboxUrl: null, live: { gptimage2: null }, poll, submitTimeoutMs: null };

test('without a sandbox and without an account there is no provider', () => {
  expect(createProviders(none)).toEqual([]);
});

test('the sandbox is reached under its own path, with a sandbox key, and may hold results', async () => {
  const sandbox = await startServer(json(200, readGolden('gptimage2-submit-response')));
  const [provider] = createProviders({ ...none, sandboxUrl: sandbox.url });
  await provider?.submit({}, new AbortController().signal);
  expect(provider).toMatchObject({
    slug: 'gptimage2',
    mode: 'TEST',
    poll,
    submitTimeoutMs: 30_000,
    resultHosts: [new URL(sandbox.url).host],
  });
  expect(sandbox.received).toMatchObject([
    { path: '/gptimage2/v1/images/generations', headers: { authorization: expect.stringMatching(/^Bearer sandbox-/) } },
  ]);
});

test('an account makes a LIVE provider that trusts no private host', () => {
  const live = { gptimage2: { apiKey: 'sk-evo-x', baseUrl: 'https://api.evolink.ai' } };
  expect(createProviders({ ...none, live, submitTimeoutMs: 9_000 })).toMatchObject([
    { slug: 'gptimage2', mode: 'LIVE', submitTimeoutMs: 9_000, resultHosts: [] },
  ]);
});

test('a base URL that is no http URL is refused when the provider is made', () => {
  const live = { gptimage2: { apiKey: 'sk-evo-x', baseUrl: 'ftp://api.example' } };
  expect(() => createProviders({ ...none, live })).toThrow("A provider's base URL must be http or https.");
});
