/** The codes of top-level errors that a client may act on. */
type FaultCode =
  | 'UNAUTHENTICATED'
  | 'FORBIDDEN'
  | 'BAD_USER_INPUT'
  | 'QUERY_TOO_EXPENSIVE'
  | 'RATE_LIMITED'
  | 'CURSOR_EXPIRED';

/** A fault of the request itself, safe to show: `message` says what is wrong and what to do. */
export class Fault extends Error {
  readonly code: FaultCode;
  /** The argument at fault, and what it may be. */
  readonly argument: string | null;
  readonly allowed: readonly string[] | null;

  constructor(code: FaultCode, message: string, argument: string | null = null, allowed: string[] | null = null) {
    super(message);
    this.code = code;
    this.argument = argument;
    this.allowed = allowed;
  }
}
