import { expect, test } from 'vitest';
import { hashRequest, hashRetry } from '../../src/generation/request-hash.ts';
import { sampleInput } from './samples.ts';

const input = sampleInput({
  idempotencyKey: 'order-7',
  images: 3,
  size: { aspectRatio: '16:9', resolution: 'R2K' },
  references: [{ uri: 'https://example.com/a.png' }],
  seed: 7,
  colors: ['#1e90ff'],
  output: { format: 'PNG', quality: null, watermark: false, safety: 'DEFAULT' },
  deadlineSeconds: 60,
  metadata: { b: [1, { z: null, a: 'ä' }], a: 'x' },
});
/** Computed by release 0.1.0. Keys that were used with it must go on to mean the same request. */
const STORED = '48f1b573c04425e09abf9bae8f53b67f4da61b892e609d8b3955cdb1e58b66a5';

test('a request has the hash that release 0.1.0 stored for it', () => {
  expect(hashRequest(input)).toBe(STORED);
});

test('the key, the wish to reuse and the order of keys do not count', () => {
  const { metadata: _, ...rest } = input;
  const same = { metadata: { a: 'x', b: [1, { a: 'ä', z: null }] }, ...rest };
  expect(hashRequest({ ...same, idempotencyKey: null, reuseWithinSeconds: 60 })).toBe(STORED);
});

test('a preference that is the default asks for nothing', () => {
  const routing = { onUncertain: 'WAIT', prefer: 'BALANCED', onFailure: 'FALLBACK' } as const;
  expect(hashRequest({ ...input, routing })).toBe(STORED);
});

test('everything else counts', () => {
  const others = [
    { ...input, prompt: 'a red kit' },
    { ...input, images: 2 },
    { ...input, size: null },
    { ...input, references: [] },
    { ...input, series: true },
    { ...input, fit: 'NEAREST' as const },
    { ...input, output: { ...input.output, watermark: null } },
    { ...input, deadlineSeconds: 61 },
    { ...input, metadata: { b: [{ z: null, a: 'ä' }, 1], a: 'x' } },
    { ...input, routing: { onUncertain: 'FAIL' as const } },
    { ...input, routing: { onUncertain: 'RESUBMIT' as const } },
    { ...input, routing: { onUncertain: 'WAIT' as const, providers: ['runware'] } },
    { ...input, routing: { onUncertain: 'WAIT' as const, providers: ['reapi', 'runware'] } },
    { ...input, routing: { onUncertain: 'WAIT' as const, prefer: 'CHEAPEST' as const } },
    { ...input, routing: { onUncertain: 'FAIL' as const, prefer: 'CHEAPEST' as const } },
    { ...input, routing: { onUncertain: 'WAIT' as const, onFailure: 'FAIL' as const } },
    { ...input, routing: { onUncertain: 'WAIT' as const, maxCost: { amount: '0.1', currency: 'USD' } } },
    { ...input, options: { runware: { optimizePrompt: null, ttlSeconds: 60 }, modelark: null } },
    { ...input, options: { runware: null, modelark: { webSearch: true } } },
    { ...input, options: { runware: null, modelark: { webSearch: false } } },
  ];
  expect(new Set([STORED, ...others.map(hashRequest)]).size).toBe(others.length + 1);
});

test('a retry is told by what it retries and how it is routed', () => {
  const hashes = (['WAIT', 'FAIL', 'RESUBMIT'] as const).map((onUncertain) => hashRetry('gen_a', { onUncertain }));
  expect(new Set([...hashes, hashRetry('gen_b', { onUncertain: 'WAIT' })]).size).toBe(4);
  expect(hashRetry('gen_a', { onUncertain: 'WAIT' })).toBe(hashes[0]);
});
