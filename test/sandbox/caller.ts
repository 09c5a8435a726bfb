import { setTimeout as wait } from 'node:timers/promises';

export interface Answer {
  status: number;
  headers: Headers;
  json: Record<string, unknown>;
}

/** What a caller of any one provider of the sandbox does, over real HTTP. */
export function createCaller(url: string, slug: string, key = 'sandbox-test') {
  // A pooled connection would outlive a sandbox that is restarted on the same port.
  const headers = { connection: 'close', authorization: `Bearer ${key}`, 'content-type': 'application/json' };

  /** The answer as it comes, for one that comes piece by piece. */
  async function open(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`${url}/${slug}${path}`, { ...init, headers: { ...headers, ...init.headers } });
  }

  async function send(path: string, init: RequestInit = {}): Promise<Answer> {
    const response = await open(path, init);
    return {
      status: response.status,
      headers: response.headers,
      json: (await response.json()) as Record<string, unknown>,
    };
  }

  async function get(path: string): Promise<Answer> {
    return send(path);
  }

  /** A text is sent as it is. */
  async function post(path: string, body: unknown, more: Record<string, string> = {}): Promise<Answer> {
    const json = typeof body === 'string' ? body : JSON.stringify(body);
    return send(path, { method: 'POST', body: json, headers: more });
  }

  /** Asks until the answer holds what is waited for, 5 seconds at most. */
  async function until(ask: () => Promise<Answer>, holds: (json: Answer['json']) => boolean): Promise<Answer['json']> {
    for (let tries = 0; tries < 200; tries++) {
      const { json } = await ask();
      if (holds(json)) return json;
      await wait(25);
    }
    throw new Error('what was waited for never came');
  }

  async function list(path: '/_log' | '/_billing'): Promise<Record<string, unknown>[]> {
    return (await (await fetch(`${url}${path}`)).json()) as Record<string, unknown>[];
  }

  async function chargesOf(prompt: string) {
    return (await list('/_billing')).filter((charge) => charge.provider === slug && charge.prompt === prompt);
  }

  return { open, send, get, post, until, list, chargesOf };
}

/** The same tree with each leaf replaced by its type. */
export function toShape(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toShape);
  if (typeof value !== 'object' || value === null) return typeof value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, toShape(inner)]));
}
