import { expect, test } from 'vitest';
import { createCallbackUrl } from '../../src/worker/callback-url.ts';
import { createProvider } from '../provider/gptimage2.ts';

const FAR = 'https://provider.example';
const NEAR = 'http://127.0.0.1:4010/gptimage2';
const tokens = { sign: (provider: string, submissionId: string) => `${provider}-${submissionId}` };

test.each<[string, provider: string, addresses: string[], used: string | null]>([
  ['https is sent to anybody', FAR, ['https://darkroom.example'], 'https://darkroom.example'],
  ['with the path before it', FAR, ['https://a.example/darkroom'], 'https://a.example/darkroom'],
  ['http is sent to nobody far away', FAR, ['http://darkroom.example', 'http://127.0.0.1:4000'], null],
  [
    'no private address is, which would be refused',
    FAR,
    ['https://10.0.0.5', 'https://[::1]', 'https://localhost'],
    null,
  ],
  ['a public address is', FAR, ['https://93.184.215.14'], 'https://93.184.215.14'],
  ['a provider on loopback reaches loopback', NEAR, ['http://127.0.0.1:4000'], 'http://127.0.0.1:4000'],
  ['by any of its names', 'http://[::1]:9/x', ['http://localhost:4000'], 'http://localhost:4000'],
  ['and https', NEAR, ['https://darkroom.example', 'http://127.0.0.1:4000'], 'https://darkroom.example'],
  ['not http elsewhere', NEAR, ['http://192.168.1.5:4000', 'http://127.0.0.1:4000'], 'http://127.0.0.1:4000'],
  ['without an address there is none', NEAR, [], null],
])('%s', (_what, baseUrl, addresses, used) => {
  const url = createCallbackUrl(addresses, tokens)(createProvider(baseUrl), 'sub_1');
  expect(url).toBe(used && `${used}/webhooks/gptimage2/gptimage2-sub_1`);
});

test('a provider that does not call back is given no address', () => {
  const silent = { ...createProvider(NEAR), callback: null };
  expect(createCallbackUrl(['http://127.0.0.1:4000'], tokens)(silent, 'sub_1')).toBe(null);
});
