import type { Refusal, Reply } from '../dialect.ts';

/** The error envelope. `code` is the HTTP status in the older documentation, a word in the newer: both are sent. */
export function refuse(refusal: Refusal): Reply {
  return REFUSALS[refusal];
}

/** A request the provider would not take. SIM: our words; only the envelope and the type are documented. */
export function refuseBody(message: string, param: string | null): Reply {
  return envelope(400, 'invalid_request_error', message, param === null ? {} : { param });
}

/** Documented word for word. */
export function refuseTaskId(): Reply {
  return envelope(400, 'invalid_request_error', "Invalid task ID format, must start with 'task-unified-'", {
    code: 'invalid_task_id',
    param: 'task_id',
  });
}

const REFUSALS: Record<Refusal, Reply> = {
  unauthorized: envelope(401, 'authentication_error', 'Invalid or missing API key'),
  'no-credits': envelope(402, 'insufficient_quota_error', 'Insufficient credits, please top up'),
  'no-such-path': envelope(404, 'not_found_error', 'Task not found or expired'),
  'body-too-large': envelope(413, 'request_too_large_error', 'Request body too large'),
  'rate-limited': {
    ...envelope(429, 'rate_limit_error', 'Rate limit exceeded', { fallback_suggestion: 'retry after 60 seconds' }),
    headers: { 'retry-after': '1' },
  },
  broken: envelope(500, 'internal_server_error', 'Internal server error'),
};

function envelope(status: number, type: string, message: string, more: Record<string, string> = {}) {
  return { status, body: { error: { code: status, message, type, ...more } } };
}
