import { randomUUID } from 'node:crypto';
import type { Refusal, Reply } from '../dialect.ts';

const TYPES = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  413: 'BadRequest',
  429: 'TooManyRequests',
  500: 'InternalServerError',
};

/** SIM: `AccountOverdueError` is what its 403 for accounts is taken to be called, `NotFound.Path` a `NotFound.{Param}`. */
const STATUSES = {
  MissingParameter: 400,
  InvalidParameter: 400,
  SensitiveContentDetected: 400,
  InputTextSensitiveContentDetected: 400,
  InputTextRiskDetection: 400,
  'InputImageSensitiveContentDetected.PrivacyInformation': 400,
  OutputImageSensitiveContentDetected: 400,
  OutputImageRiskDetection: 400,
  ContentSecurityDetectionError: 400,
  AuthenticationError: 401,
  AccountOverdueError: 403,
  'NotFound.Path': 404,
  UnsupportedModel: 404,
  'RateLimitExceeded.EndpointRPMExceeded': 429,
  InternalServiceError: 500,
} as const;

export type Code = keyof typeof STATUSES;

export function isCode(word: string): word is Code {
  return Object.hasOwn(STATUSES, word);
}

/** The request as a whole is refused, or has failed. */
export function refuseWith(code: Code, message: string, param = ''): Extract<Reply, { body: unknown }> {
  const status = STATUSES[code];
  return { status, body: { error: { ...toError(code, message), param, type: TYPES[status] } } };
}

/** What an image that was not delivered has instead of itself. */
export function toError(code: Code, message: string) {
  return { code, message: `${message}. Request ID: ${randomUUID()}` };
}

export function refuse(refusal: Refusal): Reply {
  if (refusal === 'unauthorized') {
    return refuseWith('AuthenticationError', 'the API key or AK/SK in the request is missing or invalid');
  }
  if (refusal === 'no-credits') return refuseWith('AccountOverdueError', 'The account has an overdue balance');
  if (refusal === 'no-such-path') return refuseWith('NotFound.Path', 'The requested path does not exist');
  if (refusal === 'body-too-large') {
    return { ...refuseWith('InvalidParameter', 'The request body is too large'), status: 413 };
  }
  // No `Retry-After` is documented.
  if (refusal === 'rate-limited') {
    return refuseWith('RateLimitExceeded.EndpointRPMExceeded', 'The requests per minute of this endpoint are exceeded');
  }
  return refuseWith('InternalServiceError', 'The service encountered an unexpected internal error');
}
