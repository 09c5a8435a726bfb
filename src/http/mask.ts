import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { isUnavailable } from '../db/unavailable.ts';
import { Fault } from '../fault.ts';
import type { Logger } from '../logger.ts';

/** All that a client may be told, besides the codes of payloads. */
const CODES = new Set<unknown>([
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'BAD_USER_INPUT',
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'QUERY_TOO_EXPENSIVE',
  'RATE_LIMITED',
  'CURSOR_EXPIRED',
  'UNAVAILABLE',
  'INTERNAL_SERVER_ERROR',
]);

/**
 * What a client is told of an error: a fault of its request as it is, a database that is away as UNAVAILABLE, and of
 * anything else only that it happened; that is logged whole.
 */
export function maskError(error: unknown, log: Logger): GraphQLError {
  if (error instanceof GraphQLError && isOfTheRequest(error)) return coded(error);
  const cause = error instanceof GraphQLError ? error.originalError : error;
  const place = error instanceof GraphQLError ? { nodes: error.nodes ?? null, path: error.path ?? null } : {};
  if (cause instanceof Fault) {
    const { code, message, argument, allowed } = cause;
    const extensions = { code, ...(argument && { argument }), ...(allowed && { allowed }) };
    return new GraphQLError(message, { ...place, extensions });
  }
  if (isUnavailable(cause)) {
    log.warn({ err: cause }, 'the database is away');
    const message =
      'The database does not answer just now; try again in a moment. With the same idempotencyKey nothing is bought twice.';
    return new GraphQLError(message, { ...place, extensions: { code: 'UNAVAILABLE' } });
  }
  log.error({ err: cause ?? error }, 'an operation failed');
  const message = 'Something went wrong here; it was logged.';
  return new GraphQLError(message, { ...place, extensions: { code: 'INTERNAL_SERVER_ERROR' } });
}

/** An error as it is sent: without what it meant for the HTTP status. */
export function toClient(error: GraphQLError): GraphQLFormattedError {
  const { http: _, ...extensions } = error.extensions;
  return { ...error.toJSON(), extensions };
}

/** Masked already, or found by graphql-js or Yoga in the request, its document or its variables. */
function isOfTheRequest({ path, originalError, extensions }: GraphQLError): boolean {
  if (CODES.has(extensions.code)) return true;
  if (!path) return !originalError || originalError instanceof GraphQLError;
  // A value that does not fit its argument is found only as the field is executed; what we answer has no such nodes.
  return originalError instanceof GraphQLError && originalError.nodes !== undefined;
}

/** graphql-js gives no code; a document that cannot be parsed alone has a source without nodes. Yoga has codes of its own. */
function coded(error: GraphQLError): GraphQLError {
  const { message, nodes, source, positions, path, extensions } = error;
  if (CODES.has(extensions.code)) return error;
  const code = source && !nodes ? 'GRAPHQL_PARSE_FAILED' : 'BAD_USER_INPUT';
  const argument = /^Argument "(\w+)"/.exec(message)?.[1];
  return new GraphQLError(message, {
    nodes: nodes ?? null,
    source: source ?? null,
    positions: positions ?? null,
    path: path ?? null,
    extensions: { code, ...(argument && { argument }), ...('http' in extensions && { http: extensions.http }) },
  });
}
