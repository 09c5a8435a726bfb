import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { createProviders, type ProviderOptions } from '../../src/provider/catalogue.ts';
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
  const none = { sandboxUrl: null, live: { gptimage2: null }, pollSchedule, submitTimeoutMs: null };
  const made = createProviders({ ...none, ...options });
  onTestFinished(() => made.stop());
  return made;
}
