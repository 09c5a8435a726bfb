/** What we, postgres.js and the system say when there is no connection, and what PostgreSQL says when it cannot serve one. */
const CODES = new Set([
  'NO_CONNECTION_FREE',
  'NO_ANSWER',
  'CONNECTION_CLOSED',
  'CONNECTION_ENDED',
  'CONNECTION_DESTROYED',
  'CONNECT_TIMEOUT',
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  // Shutting down, crashed, starting up; too many connections; a standby that has not been promoted yet.
  '57P01',
  '57P02',
  '57P03',
  '53300',
  '25006',
  // Stopped by the server: a statement, a transaction or a session that took too long, or an operator's pg_cancel_backend.
  '57014',
  '57P05',
  '25P03',
  '25P04',
]);

/** An error of ours that `isUnavailable` knows. */
export function unavailable(code: 'NO_CONNECTION_FREE' | 'NO_ANSWER' | 'CONNECTION_CLOSED', message: string): Error {
  return Object.assign(new Error(message), { code });
}

/** Whether the error, or what caused it, means that the database cannot serve now and may do so later. */
export function isUnavailable(error: unknown): boolean {
  // SQLSTATE class 08: connection exceptions; five characters, so that no system code is taken for one.
  return listCodes(error).some((code) => CODES.has(code) || /^08[0-9A-Z]{3}$/.test(code));
}

/** Whether a session may only read: the server was demoted, and its successor may answer under the same name by now. */
export function isReadOnly(error: unknown): boolean {
  return listCodes(error).includes('25006');
}

/** The error's code and those of what caused it. */
function listCodes(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  return [...('code' in error ? [String(error.code)] : []), ...listCodes(error.cause)];
}
