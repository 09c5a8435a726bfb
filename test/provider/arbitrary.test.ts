import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { PollReport, SubmitReport } from '../../src/generation/provider.ts';
import { createProvider } from './gptimage2.ts';
import { startServer } from './server.ts';

const anything = fc.jsonValue({ maxDepth: 3 });
const url = fc.oneof(
  fc.webUrl(),
  fc.constantFrom('ftp://a.example/1', '//a.example/1', 'http://', 'https:x'),
  fc.string(),
);
const word = fc.constantFrom('pending', 'processing', 'completed', 'failed', 'cancelled', 'COMPLETED', 'done', '');

/** Bodies near the documented shape, where mistakes live. */
const near = fc.record(
  {
    id: fc.oneof(fc.string(), fc.constantFrom('', '.', '..', ' ', 'task-unified-1'), anything),
    status: fc.oneof(word, anything),
    progress: fc.oneof(fc.double(), anything),
    results: fc.oneof(fc.array(fc.oneof(url, anything)), anything),
    result_data: fc.oneof(fc.array(fc.oneof(fc.record({ image_url: url }), anything)), anything),
    error: fc.oneof(fc.record({ code: fc.oneof(fc.string(), fc.integer(), anything), message: anything }), anything),
    usage: fc.oneof(fc.record({ credits_reserved: fc.oneof(fc.double(), anything) }), anything),
    task_info: fc.oneof(fc.record({ estimated_time: fc.oneof(fc.double(), anything) }), anything),
  },
  { requiredKeys: [] },
);
const text = fc.oneof(
  near.map((body) => JSON.stringify(body)),
  anything.map((body) => JSON.stringify(body)),
  fc.string(),
);
const status = fc.constantFrom(200, 200, 200, 202, 204, 302, 400, 401, 404, 408, 429, 500, 503);

test('no answer whatever makes a submission throw, or accepts it without an id that can be asked about', async () => {
  await forAnyAnswer(async (provider) => {
    const { report } = await provider.submit({}, new AbortController().signal);
    checkSubmit(report);
  });
}, 15_000);

test('no answer whatever makes a poll throw, or finishes it without an http URL', async () => {
  await forAnyAnswer(async (provider) => {
    const answers = await provider.ask(['task-unified-1'], new AbortController().signal);
    expect(answers.length).toBe(1);
    for (const { report } of answers) checkPoll(report);
  });
}, 15_000);

async function forAnyAnswer(check: (provider: ReturnType<typeof createProvider>) => Promise<void>): Promise<void> {
  let next = { status: 200, text: '' };
  const server = await startServer((response) => response.writeHead(next.status).end(next.text));
  const provider = createProvider(server.url);
  const property = fc.asyncProperty(status, text, async (status, text) => {
    next = { status, text };
    await check(provider);
  });
  await fc.assert(property, { numRuns: 400 });
}

function checkSubmit(report: SubmitReport): void {
  if (report.kind !== 'ACCEPTED') return;
  expect(report.providerTaskId).toMatch(/^[\x21-\x7e]+$/);
  expect(['.', '..']).not.toContain(report.providerTaskId);
  if (report.credits !== null) expect(report.credits).toMatch(/^\d+(\.\d+)?$/);
  if (report.etaSeconds !== null) expect(Number.isInteger(report.etaSeconds)).toBe(true);
}

function checkPoll(report: PollReport): void {
  if (report.kind === 'RUNNING' && report.percent !== null) {
    expect(report.percent).toBeGreaterThanOrEqual(0);
    expect(report.percent).toBeLessThanOrEqual(100);
  }
  if (report.kind !== 'FINISHED') return;
  expect(report.images.length).toBeGreaterThan(0);
  for (const { url } of report.images) expect(new URL(url).protocol).toMatch(/^https?:$/);
}
