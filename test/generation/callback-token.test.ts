import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createLinks } from '../../src/asset/link.ts';
import { newId } from '../../src/db/id.ts';
import { createCallbackTokens } from '../../src/generation/callback-token.ts';

const SUBMISSION = 'sub_01h455vb4pex5vsknk084sn02q';
const tokens = createCallbackTokens(['new', 'old']);
const token = tokens.sign('gptimage2', SUBMISSION);

test('a token is the submission and a signature, fit for a path, the same at every signing', () => {
  expect(token).toMatch(/^sub_01h455vb4pex5vsknk084sn02q\.[\w-]{43}$/);
  expect(encodeURIComponent(token)).toBe(token);
  expect(tokens.sign('gptimage2', SUBMISSION)).toBe(token);
  expect(tokens.verify('gptimage2', token)).toBe(SUBMISSION);
});

test('every submission that we name has a token of its own', () => {
  const ids = Array.from({ length: 50 }, () => newId('sub'));
  const all = ids.map((id) => tokens.sign('seedance', id));
  expect(all.map((each) => tokens.verify('seedance', each))).toEqual(ids);
  expect(new Set(all.map((each) => each.slice(-43))).size).toBe(50);
});

test("another provider's token, and a signature from another token, are nobody's", () => {
  const other = tokens.sign('gptimage2', newId('sub'));
  expect(tokens.verify('seedance', token)).toBe(null);
  expect(tokens.verify('', token)).toBe(null);
  expect(tokens.verify('gptimage2', `${SUBMISSION}.${other.slice(-43)}`)).toBe(null);
});

test('any one character changed, cut off or added makes it invalid', () => {
  for (let at = 0; at < token.length; at++) {
    const other = token[at] === '0' ? '1' : '0';
    const changed = token.slice(0, at) + other + token.slice(at + 1);
    expect(tokens.verify('gptimage2', changed), changed).toBe(null);
    expect(tokens.verify('gptimage2', token.slice(0, at)), `cut at ${at}`).toBe(null);
    expect(tokens.verify('gptimage2', token.slice(at + 1)), `begun at ${at + 1}`).toBe(null);
  }
  for (const more of ['.', '=', '\n', '\0', 'A', '/', ` ${token}`, `.${token}`, '%2e', '?x', '\u00e9']) {
    expect(tokens.verify('gptimage2', token + more), JSON.stringify(more)).toBe(null);
  }
  const twins = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  // 43 characters carry two bits too many: four spellings stand for the same bytes, and only one of them is ours.
  const valid = [...twins].filter((last) => tokens.verify('gptimage2', token.slice(0, -1) + last));
  expect(valid).toEqual([token.at(-1)]);
});

test('no text but a token is one, of whatever kind or length', () => {
  for (const text of [
    '',
    '.',
    `${SUBMISSION}.`,
    `.${token.slice(-43)}`,
    'a'.repeat(100_000),
    `${SUBMISSION}.${'é'.repeat(43)}`,
  ]) {
    expect(tokens.verify('gptimage2', text)).toBe(null);
  }
  fc.assert(fc.property(fc.string(), (text) => tokens.verify('gptimage2', text) === null));
  const near = fc.string({ unit: fc.constantFrom('a', 'Z', '-', '_', '9'), minLength: 43, maxLength: 43 });
  fc.assert(fc.property(near, (signature) => tokens.verify('gptimage2', `${SUBMISSION}.${signature}`) === null));
});

test('the newest secret signs, any secret verifies, one that was withdrawn does not', () => {
  const [before, after] = [createCallbackTokens(['old']), createCallbackTokens(['new'])];
  const signedBefore = before.sign('gptimage2', SUBMISSION);
  expect(tokens.verify('gptimage2', signedBefore)).toBe(SUBMISSION);
  expect(after.verify('gptimage2', token)).toBe(SUBMISSION);
  expect(after.verify('gptimage2', signedBefore)).toBe(null);
  expect(before.verify('gptimage2', token)).toBe(null);
});

test('what the same secret signs for something else is no token', () => {
  const plain = createHmac('sha256', 'new').update(`gptimage2/${SUBMISSION}`).digest('base64url');
  const links = createLinks({ publicUrl: () => 'https://a.example', secrets: ['new'] });
  const link = links.sign('ast_01h455vb4pex5vsknk084sn02q', 'png', 60, new Date()).uri.slice(-43);
  for (const signature of [plain, link]) expect(tokens.verify('gptimage2', `${SUBMISSION}.${signature}`)).toBe(null);
});

test('without a secret there are no tokens', () => {
  expect(() => createCallbackTokens([])).toThrow('Signing needs at least one secret.');
});
