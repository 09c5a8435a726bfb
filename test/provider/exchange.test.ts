import { expect, test } from 'vitest';
import { newId } from '../../src/db/id.ts';
import { createCallbackTokens } from '../../src/generation/callback-token.ts';
import { askAt, createProvider, KEY, submitTo } from './gptimage2.ts';
import { findClosedUrl, json, startServer } from './server.ts';

const signal = new AbortController().signal;

test.each<[string, unknown]>([
  ['as JSON', { id: KEY, status: `was ${KEY}`, [KEY]: 1, error: { code: KEY, message: `Bad key ${KEY}` } }],
  ['as text', `<html>Authorization: Bearer ${KEY}</html>`],
  ['behind an escape', `{"status":"failed","error":{"message":"\\u0073${KEY.slice(1)}"}}`],
])('the key shows in no report and no record when the provider repeats it %s', async (_, body) => {
  for (const status of [200, 400, 401, 404, 500]) {
    const server = await startServer(json(status, body));
    const provider = createProvider(`${server.url}/${KEY}`);
    const answers = [await provider.submit({ prompt: KEY }, signal), await provider.ask([KEY], signal)];
    expect(JSON.stringify(answers)).not.toContain(KEY);
    expect(server.received.map(({ headers }) => headers.authorization)).toEqual([`Bearer ${KEY}`, `Bearer ${KEY}`]);
  }
});

test('the token of a callback shows in no report and no record, whoever repeats it', async () => {
  const token = createCallbackTokens(['secret']).sign('gptimage2', newId('sub'));
  const callback_url = `https://darkroom.example/webhooks/gptimage2/${token}`;
  const server = await startServer(json(400, { callback_url, error: { message: `cannot call ${callback_url}` } }));
  const provider = createProvider(server.url);
  const answers = [await provider.submit({ callback_url }, signal), ...(await provider.ask(['a'], signal))];
  expect(JSON.stringify(answers)).not.toContain(token.slice(-43));
  const shown = 'https://darkroom.example/webhooks/gptimage2/[redacted]';
  expect(answers[0]?.exchange.requestBody).toEqual({ callback_url: shown });
  expect(JSON.parse(server.received[0]?.body ?? '')).toEqual({ callback_url });
});

test('the key shows in no record of a call that never left', async () => {
  expect(JSON.stringify(await submitTo(`${await findClosedUrl()}/${KEY}`))).not.toContain(KEY);
});

test('a record holds nothing that jsonb refuses', async () => {
  const body = '{"status":"failed","a\\u0000":"b\\u0000","error":{"code":"c\\u0000","message":"\\ud83d cut"}}';
  const server = await startServer(json(200, body));
  const { report, exchange } = await askAt(server.url);
  expect(exchange.responseBody).toEqual({
    status: 'failed',
    'a\uFFFD': 'b\uFFFD',
    error: { code: 'c\uFFFD', message: '\uFFFD cut' },
  });
  expect(report).toMatchObject({ failure: { providerCode: 'c\uFFFD', providerMessage: '\uFFFD cut' } });
});

test('a record of text holds nothing that jsonb refuses', async () => {
  const server = await startServer(json(502, 'bad\u0000 gateway'));
  expect((await askAt(server.url)).exchange.responseBody).toBe('bad\uFFFD gateway');
});

test('pictures and long strings are shortened in a record, and sent whole', async () => {
  const server = await startServer(json(200, { id: 'a', note: `a${'😀'.repeat(1_500)}` }));
  const picture = `data:image/png;base64,${'A'.repeat(100_000)}`;
  const { exchange } = await createProvider(server.url).submit({ image_urls: [picture] }, signal);
  expect(exchange.requestBody).toEqual({
    image_urls: ['data:image/png;base64,AAAAAAAAAAAAAAAAAA… (99982 more characters)'],
  });
  expect(exchange.responseBody).toEqual({ id: 'a', note: `a${'😀'.repeat(999)}… (1002 more characters)` });
  expect(JSON.parse(server.received[0]?.body ?? '')).toEqual({ image_urls: [picture] });
});

test('a long body is kept as its first 8,192 characters', async () => {
  const server = await startServer(json(200, { id: 'a', list: Array.from({ length: 5_000 }, () => '😀') }));
  const { exchange } = await submitTo(server.url);
  expect(exchange.responseBody).toMatch(/^\{"id":"a","list":\["😀".*… \(\d+ more characters\)$/u);
  expect((exchange.responseBody as string).length).toBeLessThan(8_300);
  expect(exchange.responseBody).not.toMatch(/\p{Surrogate}/u);
});

test('a body of a hundred thousand levels is read, and recorded to a bounded depth', async () => {
  const deep = `{"status":"processing","deep":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
  const server = await startServer(json(200, deep));
  const { report, exchange } = await askAt(server.url);
  expect(report.kind).toBe('RUNNING');
  expect(JSON.stringify(exchange.responseBody)).toContain('[too deep]');
});

test('a key named __proto__ stays a key', async () => {
  const server = await startServer(json(200, '{"__proto__":{"status":"completed","results":["https://a.example/1"]}}'));
  const { report, exchange } = await askAt(server.url);
  expect(report.kind).toBe('SILENT');
  expect(Object.keys(exchange.responseBody as object)).toEqual(['__proto__']);
});
