import type { IncomingHttpHeaders } from 'node:http';
import type { Exchange } from '../generation/provider-report.ts';
import { clean, cleanText } from './clean.ts';
import { createEventReader, parseJson } from './events.ts';
import { type Sending, type Sent, send } from './send.ts';
import { cut, shorten, shortenPictures } from './shorten.ts';

const MAX_TEXT = 8_192;

/** One HTTP request to a provider. */
export interface Call extends Omit<Sending, 'body' | 'onData'> {
  /** Sent as JSON. */
  body?: unknown;
  /** Told of each server-sent event as it comes, clean, where the answer is made of them. */
  onEvent?: (event: unknown) => void;
  /** What must not show in anything that comes of this call: the key. */
  secrets: readonly string[];
}

/** What came of it. Bodies and texts are clean: no secret, nothing PostgreSQL refuses. */
export type Outcome =
  | {
      kind: 'ANSWERED';
      status: number;
      headers: IncomingHttpHeaders;
      /** The parsed JSON, or a list of all server-sent events; undefined when it was neither. */
      body: unknown;
      /** The beginning of an answer that was neither. */
      text: string;
    }
  /** Provably nothing left this machine. */
  | { kind: 'NOT_SENT'; error: string }
  /** It may have arrived. `status` is known when the answer had begun. */
  | { kind: 'BROKEN'; error: string; status: number | null };

/** What became of a call, as data, and the record to keep of it. */
export interface Called {
  outcome: Outcome;
  exchange: Exchange;
}

/** Makes one HTTP call. */
export async function call(call: Call): Promise<Called> {
  const at = new Date();
  const start = performance.now();
  const hasBody = call.body !== undefined;
  const events = call.onEvent && createEventReader(call.secrets, call.onEvent);
  const sent = await send({
    ...call,
    ...(events && { onData: events.feed }),
    body: hasBody ? JSON.stringify(call.body) : null,
    headers: {
      ...call.headers,
      accept: events ? 'text/event-stream, application/json' : 'application/json',
      // The size limit counts what is read, so it must be what was sent.
      'accept-encoding': 'identity',
      'user-agent': 'darkroom',
      ...(hasBody && { 'content-type': 'application/json' }),
    },
  });
  const durationMs = Math.round(performance.now() - start);

  events?.end();
  const heard = events?.heard.length ? events.heard : null;
  const { outcome, flaw } = read(sent, call, heard);
  const exchange: Exchange = {
    at,
    method: call.method,
    url: cleanText(call.url, call.secrets),
    status: outcome.kind === 'NOT_SENT' ? null : outcome.status,
    durationMs,
    requestBody: hasBody ? shorten(clean(shortenPictures(call.body), call.secrets)) : null,
    responseBody: outcome.kind === 'ANSWERED' ? (shorten(outcome.body) ?? outcome.text) : shorten(heard),
    error: flaw,
  };
  return { outcome, exchange };
}

function read(
  sent: Sent,
  { secrets, maxBytes }: Call,
  heard: unknown[] | null,
): { outcome: Outcome; flaw: string | null } {
  if (sent.kind !== 'ANSWERED') {
    const error = cleanText(sent.error, secrets);
    return { outcome: { ...sent, error }, flaw: error };
  }
  const { status, headers } = sent;
  if (heard && sent.whole) return { outcome: { kind: 'ANSWERED', status, headers, body: heard, text: '' }, flaw: null };
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
