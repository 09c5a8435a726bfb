import postgres, { type Sql } from 'postgres';
import { trackSockets } from './sockets.ts';

export interface Client {
  sql: Sql;
  /** Waits this long for statements that run, then ends every connection. */
  end(patienceSeconds: number): Promise<void>;
}

export interface ClientOptions {
  max: number;
  /** Named prepared statements; not through a pooler. */
  prepare: boolean;
}

/** One postgres.js client, with the settings that all of ours share. */
export function openClient(url: string, { max, prepare }: ClientOptions): Client {
  const sockets = trackSockets();
  const options = {
    max,
    prepare,
    connect_timeout: 5,
    keep_alive: 15,
    backoff: (attempt: number) => Math.min(3 ** attempt / 100, 1),
    // Its look at the array types is a query of its own whose failure ends the process; drizzle reads arrays without it.
    fetch_types: false,
    onnotice: () => {},
    socket: sockets.socket,
  };
  const sql = postgres(url, options);
  return {
    sql,
    async end(patienceSeconds) {
      await sql.end({ timeout: patienceSeconds });
      sockets.destroy();
    },
  };
}
