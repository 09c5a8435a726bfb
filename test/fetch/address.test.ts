import { expect, test } from 'vitest';
import { isPublicAddress } from '../../src/fetch/address.ts';

// One from each edge of every range that is not the public internet.
const NOT_PUBLIC = `
  0.0.0.0 0.255.255.255 10.0.0.0 10.255.255.255 100.64.0.0 100.127.255.255 127.0.0.1 127.255.255.255
  169.254.0.0 169.254.169.254 172.16.0.0 172.31.255.255 192.0.0.1 192.0.2.1 192.88.99.1 192.168.0.0 192.168.255.255
  198.18.0.0 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
  :: ::1 ::7f00:1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:7f00:1 ::ffff:0:127.0.0.1 64:ff9b::7f00:1 64:ff9b::808:808
  64:ff9b:1::1 100::1 2001::1 2001:db8::1 2002:7f00:1:: 2002:808:808:: 3fff::1 5f00::1 fc00::1 fd00::1 fe80::1
  fe80::1%eth0 febf::1 fec0::1 feff::1 ff02::1 4000::1 localhost example.com 1.2.3 256.1.1.1
`;
const PUBLIC =
  '1.1.1.1 8.8.8.8 100.128.0.1 172.32.0.1 198.20.0.1 223.255.255.255 2606:4700::1111 2a00:1450::1 ::ffff:8.8.8.8';

test.each(NOT_PUBLIC.trim().split(/\s+/))('%s is not public', (address) => {
  expect(isPublicAddress(address)).toBe(false);
});

test('the empty string is not public', () => {
  expect(isPublicAddress('')).toBe(false);
});

test.each(PUBLIC.split(' '))('%s is public', (address) => {
  expect(isPublicAddress(address)).toBe(true);
});
