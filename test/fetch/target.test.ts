import { expect, test } from 'vitest';
import { Refusal } from '../../src/fetch/refusal.ts';
import { parseTarget } from '../../src/fetch/target.ts';

const ODD_SPELLINGS = [
  'http://2130706433/',
  'http://0x7f000001/',
  'http://0177.0.0.1/',
  'http://127.1/',
  'http://0/',
  'http://127.0.0.1./',
  'http://127。0。0。1/',
  'http://①②⑦.⓪.⓪.①/',
  'http:127.0.0.1/',
  'http:\\\\127.0.0.1\\',
  'http://[::1]/',
  'http://[::]/',
  'http://[::ffff:7f00:1]/',
  'http://[0:0:0:0:0:ffff:127.0.0.1]/',
  'http://[64:ff9b::7f00:1]/',
  'http://[2002:7f00:1::]/',
  'http://[fd00::1]/',
  'http://[fe80::1]/',
  'http://[fec0::1]/',
  'http://169.254.169.254/latest/meta-data/',
  'http://127.1.1.1:80\\@127.2.2.2:80/',
  'http://127.0.0.1\r\n.example.com/'.replace('.example.com', ''),
];

function reasonAgainst(url: string, base?: URL): string {
  try {
    parseTarget(url, ['127.0.0.1:4010', '[::1]:4010', 'sandbox:4010'], base);
  } catch (error) {
    if (error instanceof Refusal && error.result.kind === 'FORBIDDEN') return error.result.reason;
    throw error;
  }
  return 'allowed';
}

test.each(ODD_SPELLINGS)('%j is refused for its address', (url) => {
  expect(reasonAgainst(url)).toBe('an address that is not public');
});

test.each([
  ['https://1.1.1.1@127.0.0.1/', 'a URL with credentials in it'],
  ['https://user:pass@example.com/', 'a URL with credentials in it'],
  ['file:///etc/passwd', 'only http and https are fetched'],
  ['data:image/png;base64,AAAA', 'only http and https are fetched'],
  ['gopher://example.com/', 'only http and https are fetched'],
  ['unix:/var/run/docker.sock', 'only http and https are fetched'],
  ['/relative', 'not a URL'],
  ['', 'not a URL'],
  ['http://[::1', 'not a URL'],
  ['http://example.com:22/', 'port 22'],
  ['http://example.com:25/', 'port 25'],
  ['http://example.com:5432/', 'port 5432'],
  ['http://example.com:6379/', 'port 6379'],
  ['http://example.com:8474/', 'port 8474'],
  ['http://example.com:0/', 'port 0'],
])('%j is refused: %s', (url, reason) => {
  expect(reasonAgainst(url)).toBe(reason);
});

test.each([
  'http://127.0.0.1:4010/',
  'http://2130706433:4010/',
  'http://[::1]:4010/',
  'http://SANDBOX:4010/',
  'https://example.com/a.png',
  'http://example.com:8080/',
  'https://8.8.8.8/',
])('%j is allowed', (url) => {
  expect(reasonAgainst(url)).toBe('allowed');
});

test('an exemption is for exactly that host and port', () => {
  expect([reasonAgainst('http://127.0.0.1:4011/'), reasonAgainst('http://127.0.0.2:4010/')]).toEqual([
    'an address that is not public',
    'an address that is not public',
  ]);
  expect(parseTarget('http://sandbox:4011/', ['sandbox:4010']).exempt).toBe(false);
});

test('a redirect from https to http is refused, even to an exempt host', () => {
  expect(reasonAgainst('http://127.0.0.1:4010/', new URL('https://example.com/'))).toBe(
    'a redirect from https to http',
  );
});
