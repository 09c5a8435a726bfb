import { randomUUID } from 'node:crypto';
import type { Refusal, Reply } from '../dialect.ts';

/** The error envelope of a refusal, and of a task that failed. */
export interface ErrorBody {
  /** Five digits, the first of which is the category: 1 authentication, 2 validation. */
  code: number;
  message: string;
  request_id: string;
}

/** SIM: of these only 10003 is a documented code; the categories after 2 are our guess. */
export function refuse(refusal: Refusal): Reply {
  switch (refusal) {
    case 'unauthorized':
      return envelope(401, 10003, 'API key invalid');
    case 'no-credits':
      return envelope(402, 30001, 'Insufficient credits');
    case 'no-such-path':
      return envelope(404, 40001, 'Task not found');
    case 'body-too-large':
      return envelope(413, 20013, 'Request body too large');
    case 'rate-limited':
      return { ...envelope(429, 50001, 'Too many requests'), headers: { 'retry-after': '1' } };
    case 'broken':
      return envelope(500, 60001, 'Internal server error');
  }
}

/** A request the provider would not take. 20002 is documented; SIM: 20001 for a value that is there and wrong. */
export function refuseBody(message: string, isMissing: boolean): Reply {
  return isMissing
    ? envelope(400, 20002, `Missing required parameter: ${message}`)
    : envelope(400, 20001, `Invalid parameter: ${message}`);
}

export function toErrorBody(code: number, message: string): ErrorBody {
  return { code, message, request_id: `req_${randomUUID()}` };
}

function envelope(status: number, code: number, message: string) {
  return { status, body: { error: toErrorBody(code, message) } };
}
