import postgres, { type Sql } from 'postgres';
import { trackSockets } from './sockets.ts';
import { unavailable } from './unavailable.ts';

/** One connection. */
export interface Client {
  sql: Sql;
  /** Aborted, with the error as its reason, when the connection is lost or ended; postgres.js would silently make another. */
  lost: AbortSignal;
  /** Ends the connection now; what runs on it fails. */
  end(): Promise<void>;
}

export interface ClientOptions {
  /** Named prepared statements; not through a pooler. */
  prepare: boolean;
  /** Hears what comes to the channels that this connection listens to. */
  onNotify?: (payload: string) => void;
}

/** One postgres.js client with one connection, made when it is first needed, with the settings that all of ours share. */
export function openClient(url: string, { prepare, onNotify }: ClientOptions): Client {
  const sockets = trackSockets();
  const losing = new AbortController();
  const lose = () => losing.abort(unavailable('CONNECTION_CLOSED', 'the connection to the database was lost'));
  const options = {
    max: 1,
    prepare,
    connect_timeout: 4,
    keep_alive: 15,
    // Its look at the array types is a query of its own whose failure ends the process; drizzle reads arrays without it.
    fetch_types: false,
    onnotice: () => {},
    onnotify: (_channel: string, payload: string) => onNotify?.(payload),
    onclose: lose,
    socket: sockets.socket,
  };
  const sql = postgres(url, options);
  return {
    sql,
    lost: losing.signal,
    async end() {
      lose();
      await sql.end({ timeout: 0 });
      sockets.destroy();
    },
  };
}
