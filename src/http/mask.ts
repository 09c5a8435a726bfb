import { GraphQLError } from 'graphql';
import { isUnavailable } from '../db/unavailable.ts';
import { Fault } from '../fault.ts';
import type { Logger } from '../logger.ts';

/** HTTP statuses of faults that end a request before it is executed. */
const STATUS: Partial<Record<Fault['code'], number>> = { UNAUTHENTICATED: 401, FORBIDDEN: 403 };

/**
 * What a client is told of an error: a fault of its request as it is, a database that is away as UNAVAILABLE, and of
 * anything else only that it happened; that is logged whole.
 */
export function maskError(error: unknown, log: Logger): GraphQLError {
  const cause = error instanceof GraphQLError ? error.originalError : error;
  const place = error instanceof GraphQLError ? { nodes: error.nodes ?? null, path: error.path ?? null } : {};
  if (error instanceof GraphQLError && !error.path && (!cause || cause instanceof GraphQLError)) return coded(error);
  if (error instanceof GraphQLError && !cause) return error;
  if (cause instanceof Fault) {
    const { code, message, argument, allowed } = cause;
    const http = STATUS[code] && { status: STATUS[code] };
    return new GraphQLError(message, {
      ...place,
      extensions: { code, ...(argument && { argument }), ...(allowed && { allowed }), ...(http && { http }) },
    });
  }
  if (isUnavailable(cause)) {
    log.warn({ err: cause }, 'the database is away');
    return new GraphQLError('The database does not answer just now; try again in a moment.', {
      ...place,
      extensions: { code: 'UNAVAILABLE', http: { status: 503 } },
    });
  }
  log.error({ err: cause }, 'an operation failed');
  return new GraphQLError('Something went wrong here; it was logged.', {
    ...place,
    extensions: { code: 'INTERNAL_SERVER_ERROR' },
  });
}

/** A document or variable that does not fit. graphql-js gives no code to one that cannot be parsed; only such has no nodes. */
function coded(error: GraphQLError): GraphQLError {
  if (error.extensions.code) return error;
  const { message, nodes, source, positions, extensions } = error;
  return new GraphQLError(message, {
    nodes: nodes ?? null,
    source: source ?? null,
    positions: positions ?? null,
    extensions: { ...extensions, code: source && !nodes ? 'GRAPHQL_PARSE_FAILED' : 'BAD_USER_INPUT' },
  });
}
