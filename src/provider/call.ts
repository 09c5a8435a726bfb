import type { IncomingHttpHeaders } from 'node:http';
import type { Exchange } from '../generation/provider.ts';
import { clean, cleanText } from './clean.ts';
import { type Sending, type Sent, send } from './send.ts';
import { cut, shorten } from './shorten.ts';

const MAX_TEXT = 8_192;

/** One HTTP request to a provider. */
export interface Call extends Omit<Sending, 'body'> {
  /** Sent as JSON. */
  body?: unknown;
  /** What must not show in anything that comes of this call: the key. */
  secrets: readonly string[];
}

/** What came of it. Bodies and texts are clean: no secret, nothing PostgreSQL refuses. */
export type Outcome =
  | {
      kind: 'ANSWERED';
      status: number;
      headers: IncomingHttpHeaders;
      /** The parsed JSON; undefined when it was none. */
      body: unknown;
      /** The beginning of an answer that was no JSON. */
      text: string;
    }
  /** Provably nothing left this machine. */
  | { kind: 'NOT_SENT'; error: string }
  /** It may have arrived. `status` is known when the answer had begun. */
  | { kind: 'BROKEN'; error: string; status: number | null };

/** Makes one HTTP call and answers with what became of it, as data, and the record to keep of it. */
export async function call(call: Call): Promise<{ outcome: Outcome; exchange: Exchange }> {
  const at = new Date();
  const start = performance.now();
  const hasBody = call.body !== undefined;
  const sent = await send({
    ...call,
    body: hasBody ? JSON.stringify(call.body) : null,
    headers: {
      ...call.headers,
      accept: 'application/json',
      // The size limit counts what is read, so it must be what was sent.
      'accept-encoding': 'identity',
      'user-agent': 'darkroom',
      ...(hasBody && { 'content-type': 'application/json' }),
    },
  });
  const durationMs = Math.round(performance.now() - start);

  const { outcome, flaw } = read(sent, call);
  const exchange: Exchange = {
    at,
    method: call.method,
    url: cleanText(call.url, call.secrets),
    status: outcome.kind === 'NOT_SENT' ? null : outcome.status,
    durationMs,
    requestBody: hasBody ? shorten(clean(call.body, call.secrets)) : null,
    responseBody: outcome.kind === 'ANSWERED' ? (shorten(outcome.body) ?? outcome.text) : null,
    error: flaw,
  };
  return { outcome, exchange };
}

function read(sent: Sent, { secrets, maxBytes }: Call): { outcome: Outcome; flaw: string | null } {
  if (sent.kind !== 'ANSWERED') {
    const error = cleanText(sent.error, secrets);
    return { outcome: { ...sent, error }, flaw: error };
  }
  const { status, headers } = sent;
  // The decoder drops a byte order mark.
  const text = new TextDecoder().decode(sent.bytes);
  const body = sent.whole ? parseJson(text) : undefined;
  if (body !== undefined) {
    return { outcome: { kind: 'ANSWERED', status, headers, body: clean(body, secrets), text: '' }, flaw: null };
  }
  return {
    outcome: { kind: 'ANSWERED', status, headers, body, text: cut(cleanText(text, secrets), MAX_TEXT) },
    flaw: sent.whole ? 'the answer is not JSON' : `the answer is longer than ${maxBytes} bytes`,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
