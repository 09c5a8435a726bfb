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
/** More than any provider takes as a prompt. */
const MOST_TEXT_CHARACTERS = 8 * 1024;
const MOST_DATA_URI_CHARACTERS = 200;
const KEPT_CHARACTERS = 40;

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

/** A picture inside the body is cut down to its beginning and its length, and so is any other long text. */
export function toLoggedBody(body: string): unknown {
  if (body === '') return null;
  try {
    const short: unknown = JSON.parse(body, (_key, value: unknown) => shorten(value));
    const isLong = body.length > MOST_BODY_CHARACTERS && JSON.stringify(short).length > MOST_BODY_CHARACTERS;
    return isLong ? `(${body.length} characters)` : short;
  } catch {
    return body.length > MOST_BODY_CHARACTERS ? `(${body.length} characters)` : body;
  }
}

function shorten(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const most = value.startsWith('data:') ? MOST_DATA_URI_CHARACTERS : MOST_TEXT_CHARACTERS;
  return value.length > most ? `${value.slice(0, KEPT_CHARACTERS)}… (${value.length} characters)` : value;
}
