/** How long the database may keep somebody waiting, in milliseconds. */
export interface Limits {
  /** For a connection that is free. */
  waitMs: number;
  /** For the whole of a statement or a transaction. */
  answerMs: number;
}

/** A client waits for the answer, and can ask again. */
export const CALLERS: Limits = { waitMs: 5_000, answerMs: 10_000 };

/** Nobody waits for the service's own work, and some of its statements carry many tasks; a heartbeat fits twice into a lease. */
export const OWN: Limits = { waitMs: 15_000, answerMs: 12_000 };

/** Hints and pings: one small statement each. */
export const SIDE: Limits = { waitMs: 3_000, answerMs: 3_000 };

/** How long a session may leave a transaction open without a word: whoever froze amid one holds its locks that long. */
const SILENCE_MS = 5_000;

/**
 * What the server keeps to by itself, about when we would give up: otherwise each connection that we left would go on with
 * its statement, and those who ask again would fill the server with them. Before PostgreSQL 17, which has
 * `transaction_timeout`, nothing but the keepalive ends a session between the two halves of a statement (Parse and Bind).
 */
export function settingsOf({ answerMs }: Limits): string {
  const settings = {
    statement_timeout: Math.ceil(answerMs * 0.9),
    idle_in_transaction_session_timeout: Math.min(SILENCE_MS, answerMs),
    transaction_timeout: answerMs,
    tcp_keepalives_idle: 10,
    tcp_keepalives_interval: 5,
    tcp_keepalives_count: 3,
  };
  const wished = Object.entries(settings).map(([name, value]) => `('${name}', '${value}')`);
  return `select set_config(name, value, false) from (values ${wished.join(', ')}) as wished (name, value)
    where current_setting(name, true) is not null`;
}
