/** Where the sandbox says what went wrong on its side: any pino logger will do. */
export interface Log {
  /** An error is `err`: pino serializes that name alone. */
  warn(details: { err?: unknown } & Record<string, unknown>, message: string): void;
}
