import postgres, { type Sql, type TransactionSql } from 'postgres';
import type { Client } from './client.ts';
import { isUnavailable } from './unavailable.ts';

/**
 * A transaction of postgres.js that is over when its connection is lost. By itself 3.4.9 goes on to write its ROLLBACK,
 * and whatever the callback still asks, to no socket at all, which ends the process, or to the connection's successor,
 * outside of any transaction (porsager/postgres#1208). `ended` is a client that refuses every statement.
 */
export async function transact<T>(
  { sql, lost }: Client,
  ended: Sql,
  run: (tx: TransactionSql) => Promise<T>,
): Promise<unknown> {
  const loss = new Loss();
  const onLost = () => loss.note(lost.reason);
  lost.addEventListener('abort', onLost);
  try {
    return await loss.among(sql.begin((tx) => loss.outlive(run(guard(tx, loss, ended)))));
  } finally {
    lost.removeEventListener('abort', onLost);
  }
}

/** The loss of the connection under one transaction, known before anything more could be written to it. */
class Loss {
  error: unknown = null;
  private readonly happened: Promise<never>;
  private reject: (error: unknown) => void = () => {};

  constructor() {
    this.happened = new Promise((_, reject) => {
      this.reject = reject;
    });
    this.happened.catch(() => {});
  }

  note(error: unknown): void {
    const fatal = !(error instanceof postgres.PostgresError) || error.severity === 'FATAL';
    if (this.error !== null || !fatal || !isUnavailable(error)) return;
    this.error = error;
    this.reject(error);
  }

  /** The work's outcome, or the loss. */
  among<T>(work: Promise<T>): Promise<T> {
    const noted = work.catch((error) => {
      this.note(error);
      throw error;
    });
    return Promise.race([noted, this.happened]);
  }

  /** Never settles once the connection is lost: postgres.js would write a ROLLBACK to it. The caller hears of it by `among`. */
  async outlive<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } finally {
      if (this.error !== null) await new Promise(() => {});
    }
  }
}

function guard<T extends TransactionSql>(tx: T, loss: Loss, ended: Sql): T {
  const unsafe = (...args: Parameters<Sql['unsafe']>) => {
    if (loss.error !== null) return ended.unsafe(...args);
    const query = tx.unsafe(...args);
    query.catch((error) => loss.note(error));
    return query;
  };
  const savepoint = async (run: (inner: TransactionSql) => Promise<unknown>) => {
    if (loss.error !== null) throw loss.error;
    return loss.among(tx.savepoint((inner) => loss.outlive(run(guard(inner, loss, ended)))));
  };
  return new Proxy(tx, {
    get: (_, name) => (name === 'unsafe' ? unsafe : name === 'savepoint' ? savepoint : Reflect.get(tx, name)),
  });
}
