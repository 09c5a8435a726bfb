/** Where the sandbox says what went wrong on its side: any pino logger will do. */
export interface Log {
  warn(details: object, message: string): void;
}
