import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createLinks } from '../../src/asset/link.ts';

const ID = 'ast_01h455vb4pex5vsknk084sn02q';
const PUBLIC_URL = 'https://images.example.com/darkroom/';
const links = createLinks({ publicUrl: () => PUBLIC_URL, secrets: ['new', 'old'] });
const VARIANT = { width: 640, height: 480, fit: 'COVER', extension: 'webp' } as const;
const NOON = new Date('2026-01-01T12:00:00Z');

const later = (seconds: number, from = NOON) => new Date(from.getTime() + seconds * 1000);
const targetOf = (uri: string) => uri.slice('https://images.example.com/darkroom'.length);

test('a link is under the public URL, ends in the extension, and verifies', () => {
  const { uri, expiresAt } = links.sign(ID, 'png', 3600, NOON);
  expect(uri).toMatch(
    /^https:\/\/images\.example\.com\/darkroom\/assets\/ast_01h455vb4pex5vsknk084sn02q\.png\?expires=\d+&signature=[\w-]{43}$/,
  );
  expect(links.verify(targetOf(uri), NOON)).toEqual({ assetId: ID, extension: 'png', variant: null, expiresAt });
});

test('a link to a variant says which, ends in its extension, and verifies', () => {
  const { uri, expiresAt } = links.sign(ID, VARIANT, 3600, NOON);
  expect(uri).toMatch(
    /^https:\/\/images\.example\.com\/darkroom\/assets\/ast_01h455vb4pex5vsknk084sn02q\/640x480-cover\.webp\?expires=\d+&signature=[\w-]{43}$/,
  );
  expect(links.verify(targetOf(uri), NOON)).toEqual({ assetId: ID, extension: 'webp', variant: VARIANT, expiresAt });
  expect(links.sign(ID, VARIANT, 3600, later(900)).uri).toBe(links.sign(ID, VARIANT, 3600, later(1)).uri);
});

test('reads within one half of the ttl give the same bytes, and the next half others', () => {
  const uriAt = (seconds: number) => links.sign(ID, 'png', 3600, later(seconds)).uri;
  expect(uriAt(1800)).toBe(uriAt(1));
  expect(uriAt(1800)).toBe(uriAt(900.5));
  expect(uriAt(1801)).not.toBe(uriAt(1800));
});

test('a link works for at least its ttl, at most half as long again, and in its window is always the same', () => {
  const moments = fc.date({ min: new Date('2020-01-01'), max: new Date('2100-01-01'), noInvalidDate: true });
  fc.assert(
    fc.property(moments, fc.integer({ min: 1, max: 604_800 }), (now, ttl) => {
      const { uri, expiresAt } = links.sign(ID, 'png', ttl, now);
      const seconds = (expiresAt.getTime() - now.getTime()) / 1000;
      expect(seconds).toBeGreaterThanOrEqual(ttl);
      expect(seconds).toBeLessThan(ttl * 1.5 + 1);
      expect(links.verify(targetOf(uri), now)).toMatchObject({ assetId: ID });
    }),
  );
});

test('a link is refused as EXPIRED from the second it expires', () => {
  const { uri, expiresAt } = links.sign(ID, 'png', 60, NOON);
  expect(links.verify(targetOf(uri), later(-0.001, expiresAt))).toMatchObject({ assetId: ID });
  expect(links.verify(targetOf(uri), expiresAt)).toEqual({ refused: 'EXPIRED' });
});

test.each([
  ['the stored file', 'png'],
  ['a variant', VARIANT],
])('any one character changed makes a link to %s INVALID, expired or not', (_what, form) => {
  const target = targetOf(links.sign(ID, form, 60, NOON).uri);
  for (const now of [NOON, later(86_400)]) {
    for (let at = 0; at < target.length; at++) {
      const other = target[at] === '0' ? '1' : '0';
      const changed = target.slice(0, at) + other + target.slice(at + 1);
      expect(links.verify(changed, now), changed).toEqual({ refused: 'INVALID' });
    }
  }
});

test.each([
  '',
  '/',
  '*',
  '//',
  `/assets/${ID}.png`,
  `/assets/${ID}.png?expires=99999999999&signature=`,
  `/assets/../../etc/passwd?expires=99999999999&signature=${'a'.repeat(43)}`,
  `/assets/%00.png?expires=99999999999&signature=${'a'.repeat(43)}`,
  `/assets/${'a'.repeat(100_000)}`,
])('%j is INVALID', (target) => {
  expect(links.verify(target, NOON)).toEqual({ refused: 'INVALID' });
});

test('nothing can be added to a link', () => {
  const target = targetOf(links.sign(ID, 'png', 60, NOON).uri);
  for (const more of ['&width=9999', '&expires=99999999999', '#', '=', '\n']) {
    expect(links.verify(target + more, NOON)).toEqual({ refused: 'INVALID' });
  }
});

test('the newest secret signs, any secret verifies, one that was withdrawn does not', () => {
  const before = createLinks({ publicUrl: () => PUBLIC_URL, secrets: ['old'] });
  const after = createLinks({ publicUrl: () => PUBLIC_URL, secrets: ['new'] });
  const signedByOld = targetOf(before.sign(ID, 'png', 60, NOON).uri);
  const signedByBoth = targetOf(links.sign(ID, 'png', 60, NOON).uri);
  expect(links.verify(signedByOld, NOON)).toMatchObject({ assetId: ID });
  expect(after.verify(signedByBoth, NOON)).toMatchObject({ assetId: ID });
  expect(after.verify(signedByOld, NOON)).toEqual({ refused: 'INVALID' });
  expect(before.verify(signedByBoth, NOON)).toEqual({ refused: 'INVALID' });
});

test('without a secret there are no links', () => {
  expect(() => createLinks({ publicUrl: () => PUBLIC_URL, secrets: [] })).toThrow('Signing needs at least one secret.');
});
