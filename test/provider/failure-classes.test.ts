import type net from 'node:net';
import tls from 'node:tls';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import type { SubmitReport } from '../../src/generation/provider-report.ts';
import type { Outcome } from '../../src/provider/call.ts';
import { classify, FAILURE_CLASSES } from '../../src/provider/failure-classes.ts';
import { reportSilence } from '../../src/provider/silence.ts';
import { NOTHING_SAID } from '../../src/provider/trouble.ts';
import { reportUnaccepted } from '../../src/provider/unaccepted.ts';
import { submitTo } from './gptimage2.ts';
import { startSocketServer } from './server.ts';

const STATUSES = Array.from({ length: 500 }, (_, i) => i + 100);
/** With nothing in the answer: it is not the provider's own. */
const FOREIGN = [404, 405];
const LATER = [301, 307, 308, 401, 402, 403, 429, ...FOREIGN];
const UNSURE = [406, 408, 409, 460, 499];

test('every status from 100 to 599 is reported as its class, and its request was made exactly once', async () => {
  const server = await startCounter((socket, status) => socket.end(`HTTP/1.1 ${status} Such\r\n\r\n`));
  const seen = await Promise.all(
    STATUSES.map(async (status) => {
      const { report } = await submitTo(`${server.url}/${status}`, { submitTimeoutMs: 20_000 });
      return { status, kind: report.kind };
    }),
  );
  expect(seen).toEqual(STATUSES.map((status) => ({ status, kind: expectedOf(status) })));
  expect(server.posts.toSorted((a, b) => a - b)).toEqual(STATUSES);
});

test.each<[SubmitReport['kind'], string, (socket: net.Socket) => void]>([
  ['AMBIGUOUS', 'closes without a word', (socket) => socket.end()],
  ['AMBIGUOUS', 'resets without a word', (socket) => socket.resetAndDestroy()],
  ['AMBIGUOUS', 'says nothing until the deadline', () => {}],
  ['AMBIGUOUS', 'speaks no HTTP', (socket) => socket.end('busy, come back\r\n\r\n')],
  ['AMBIGUOUS', 'stops within the status', (socket) => socket.end('HTTP/1.1 4')],
  ['AMBIGUOUS', 'stops within the headers', (socket) => socket.end(`${head(400)}content-ty`)],
  [
    'AMBIGUOUS',
    'switches protocols',
    (socket) => socket.end(`${head(101)}upgrade: h2c\r\nconnection: upgrade\r\n\r\n`),
  ],
  ['AMBIGUOUS', 'stops after the id', (socket) => socket.end(`${head(200)}content-length: 99\r\n\r\n{"id":"a"}`)],
  ['AMBIGUOUS', 'stops in a chunk', (socket) => socket.end(`${head(400)}transfer-encoding: chunked\r\n\r\n9\r\n{`)],
  [
    'AMBIGUOUS',
    'states two lengths',
    (socket) => socket.end(`${head(400)}content-length: 0\r\ncontent-length: 9\r\n\r\n`),
  ],
  ['AMBIGUOUS', 'invents a status', (socket) => socket.end(`${head(999)}content-length: 0\r\n\r\n`)],
  ['REFUSED', 'refuses and does not hang up', (socket) => socket.write(`${head(413)}content-length: 0\r\n\r\n`)],
  ['NOT_NOW', 'puts off and does not hang up', (socket) => socket.write(`${head(429)}content-length: 0\r\n\r\n`)],
])('%s is reported of a server that %s, after exactly one request', async (kind, _, answer) => {
  const server = await startCounter(answer);
  const { report } = await submitTo(`${server.url}/200`, { submitTimeoutMs: 500 });
  expect([report.kind, server.posts]).toEqual([kind, [200]]);
});

test('a TLS handshake that fails sent nothing', async () => {
  const server = tls.createServer({}).listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.close();
  });
  let failed = 0;
  server.on('tlsClientError', () => {
    failed += 1;
  });
  const port = await new Promise((resolve) => {
    server.on('listening', () => resolve((server.address() as net.AddressInfo).port));
  });
  const { report, exchange } = await submitTo(`https://127.0.0.1:${port}`);
  expect(report).toMatchObject({ kind: 'NOT_NOW', failure: { code: 'PROVIDER_UNREACHABLE', billed: 'NO' } });
  expect([exchange.status, failed]).toEqual([null, 1]);
});

test('whatever came back has its row, and no row is never reached', () => {
  const seen = [notSent, broken, ...STATUSES.map(answered), answered(600), answered(999)].map(classify);
  expect(new Set(seen)).toEqual(new Set(FAILURE_CLASSES));
});

test.each(FOREIGN)(
  'HTTP %i of a proxy waits for an operator, that of the provider itself is its word on the request',
  (status) => {
    const page: Outcome = { ...answered(status), text: '<html>Not Found</html>' };
    const said: Outcome = { ...answered(status), body: { error: 'model not found' } };
    expect(reportUnaccepted('It', page, NOTHING_SAID, false)).toMatchObject({
      kind: 'NOT_NOW',
      failure: { code: 'PROVIDER_UNREACHABLE', billed: 'NO', retryable: true },
      retryAfterMs: 30_000,
    });
    expect(reportUnaccepted('It', said, NOTHING_SAID, false)).toMatchObject({
      kind: 'REFUSED',
      failure: { code: 'PROVIDER_REJECTED', billed: 'NO' },
    });
  },
);

test('only what is provably not accepted is free, sent again or given up', () => {
  const rules = FAILURE_CLASSES.map((row) => [row.class, row.next, row.code === 'OUTCOME_UNKNOWN']);
  for (const [found, next, isUnknown] of rules) {
    expect([next === 'RECONCILE', isUnknown]).toEqual([found === 'AMBIGUOUS', found === 'AMBIGUOUS']);
  }
});

test('nothing a provider says makes an AMBIGUOUS outcome a NOT_NOW or REFUSED, or any other UNKNOWN in cost', () => {
  const outcome = fc.oneof(
    fc.constantFrom<Outcome>(notSent, broken),
    fc.integer({ min: 100, max: 999 }).map(answered),
    fc.integer({ min: 200, max: 599 }).map((status): Outcome => ({ ...broken, status })),
  );
  const words = fc.option(fc.oneof(fc.string(), fc.constantFrom('content_policy_violation', 'retry after 5 s')));
  const said = fc.record({ code: words, message: words, hint: words });
  const property = fc.property(outcome, said, fc.boolean(), (outcome, said, moderated) => {
    const report = reportUnaccepted('It', outcome, said, moderated);
    const isUnsure = classify(outcome).class === 'AMBIGUOUS';
    if (report.kind === 'ACCEPTED' || report.kind === 'FINISHED') throw new Error('accepted without an id');
    expect(report.kind === 'AMBIGUOUS').toBe(isUnsure);
    expect(report.failure.billed).toBe(isUnsure ? 'UNKNOWN' : 'NO');
    expect(report.failure.retryable).toBe(report.kind === 'NOT_NOW');
  });
  fc.assert(property, { numRuns: 2_000 });
});

test('a poll that meets the same hindrance says so in the same words, and nothing of what was billed', () => {
  for (const outcome of [notSent, ...LATER.map(answered)]) {
    const submitted = reportUnaccepted('It', outcome, NOTHING_SAID, false);
    const asked = reportSilence('It', outcome, NOTHING_SAID);
    if (submitted.kind !== 'NOT_NOW' || asked.kind !== 'SILENT') throw new Error(`${submitted.kind}, ${asked.kind}`);
    expect(asked).toEqual({ ...submitted, kind: 'SILENT', failure: { ...submitted.failure, billed: 'UNKNOWN' } });
  }
});

const notSent: Outcome = { kind: 'NOT_SENT', error: 'refused' };
const broken: Extract<Outcome, { kind: 'BROKEN' }> = { kind: 'BROKEN', error: 'reset', status: null };

function answered(status: number): Extract<Outcome, { kind: 'ANSWERED' }> {
  return { kind: 'ANSWERED', status, headers: {}, body: undefined, text: '' };
}

function expectedOf(status: number): SubmitReport['kind'] {
  if (LATER.includes(status)) return 'NOT_NOW';
  return status >= 400 && status < 500 && !UNSURE.includes(status) ? 'REFUSED' : 'AMBIGUOUS';
}

function head(status: number): string {
  return `HTTP/1.1 ${status} Such\r\n`;
}

/** Counts the requests that arrived whole, by the number that their path begins with, and answers each. */
async function startCounter(
  answer: (socket: net.Socket, status: number) => void,
): Promise<{ url: string; posts: number[] }> {
  const posts: number[] = [];
  const { url } = await startSocketServer((socket) => {
    let text = '';
    socket.on('data', (bytes) => {
      text += bytes.toString();
      // The body is the end of the request.
      const status = /^POST \/(\d+)\/.*\}$/s.exec(text)?.[1];
      if (status === undefined) return;
      text = '';
      posts.push(Number(status));
      answer(socket, Number(status));
    });
  });
  return { url, posts };
}
