/** One request the sandbox received. It never holds the key it came with. */
interface LoggedRequest {
  at: string;
  method: string;
  path: string;
  /** Null while unanswered, and for good when the connection was cut instead. */
  status: number | null;
  /** The JSON of the body, its text when it is not JSON, null when there was none. */
  body: unknown;
}

export interface RequestLog {
  add(method: string, path: string): LoggedRequest;
  list(): readonly LoggedRequest[];
}

const MOST_REQUESTS = 10_000;
const MOST_BODY_CHARACTERS = 64 * 1024;

/** The last 10,000 requests, newest last. */
export function createRequestLog(): RequestLog {
  const requests: LoggedRequest[] = [];
  return {
    add(method, path) {
      const request = { at: new Date().toISOString(), method, path, status: null, body: null };
      requests.push(request);
      if (requests.length > MOST_REQUESTS) requests.shift();
      return request;
    },
    list: () => requests,
  };
}

export function toLoggedBody(body: string): unknown {
  if (body === '') return null;
  if (body.length > MOST_BODY_CHARACTERS) return `(${body.length} characters)`;
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}
