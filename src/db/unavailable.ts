/** What postgres.js and the system say when there is no connection, and what PostgreSQL says when it cannot serve one. */
const CODES = new Set([
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
]);

/** Whether the error, or what caused it, means that the database cannot serve now and may do so later. */
export function isUnavailable(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const code = 'code' in cause ? String(cause.code) : '';
    // SQLSTATE class 08: connection exceptions; five characters, so that no system code is taken for one.
    if (CODES.has(code) || /^08[0-9A-Z]{3}$/.test(code)) return true;
  }
  return false;
}
