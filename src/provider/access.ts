import { isLoopback } from '../config/config.ts';
import { type Call, type Called, call, type Outcome } from './call.ts';
import type { Connections } from './connections.ts';
import type { AdapterOptions } from './provider.ts';
import { toRoot } from './root.ts';

const ASK_TIMEOUT_MS = 15_000;
// Fifty tasks of twenty pictures each fit into it.
const MAX_ANSWER_BYTES = 4_194_304;

/** Where one account of a provider is reached. */
export interface Access {
  /** Without a slash at the end. */
  root: string;
  apiKey: string;
  submitTimeoutMs: number;
  /** For polls: a submission has one of its own. */
  connections: Connections;
}

/** Throws when the base URL is no http URL. */
export function toAccess({ baseUrl, apiKey, connections, ...own }: AdapterOptions, submitTimeoutMs: number): Access {
  return { root: toRoot(baseUrl), apiKey, connections, submitTimeoutMs: own.submitTimeoutMs ?? submitTimeoutMs };
}

/** Whether it runs on this machine, and so reaches what nobody else does. */
export function isLocal({ root }: Access): boolean {
  return isLoopback(new URL(root).hostname);
}

/** Sends a submission once, over a connection of its own; `onEvent` where the answer may be server-sent events. */
export function sendBody(
  access: Access,
  path: string,
  body: unknown,
  signal: AbortSignal,
  onEvent?: (event: unknown) => void,
): Promise<Called> {
  const { submitTimeoutMs: timeoutMs } = access;
  const events = onEvent && { onEvent };
  return call({ ...common(access, path), method: 'POST', body, timeoutMs, signal, connections: null, ...events });
}

/** Asks, over connections that are kept: a GET, or a POST where there is a body. */
export function askAbout(access: Access, path: string, signal: AbortSignal, body?: unknown): Promise<Called> {
  const method = body === undefined ? 'GET' : 'POST';
  const { connections } = access;
  return call({ ...common(access, path), method, body, timeoutMs: ASK_TIMEOUT_MS, signal, connections });
}

/** The parsed JSON of a success; null for any other outcome. */
export function bodyOf(outcome: Outcome): { body: unknown } | null {
  const isSuccess = outcome.kind === 'ANSWERED' && outcome.status >= 200 && outcome.status < 300;
  return isSuccess ? { body: outcome.body } : null;
}

function common({ root, apiKey }: Access, path: string): Pick<Call, 'url' | 'headers' | 'maxBytes' | 'secrets'> {
  return {
    url: root + path,
    headers: { authorization: `Bearer ${apiKey}` },
    maxBytes: MAX_ANSWER_BYTES,
    secrets: [apiKey],
  };
}
