import { createConnection, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { unavailable } from './unavailable.ts';

/** What postgres.js tells of where to connect to. */
interface Target {
  host: string[];
  port: number[];
  path: string | false;
}

const BETWEEN_ROUNDS_MS = 100;

/**
 * The sockets of one postgres.js client. It ends its sockets politely, which on a half-open connection takes a quarter of
 * an hour, and may still open one after its end: `destroy` ends them now and for good.
 */
export function trackSockets(): { socket(target: Target): Promise<Socket>; destroy(): void } {
  const sockets = new Set<Socket>();
  let destroyed = false;
  let attempt = 0;

  /** postgres.js tries again without a pause where its connection is closed before it was ready, by a proxy say. */
  async function pause(hosts: number): Promise<void> {
    if (attempt > 0 && hosts === 1) throw unavailable('CONNECTION_CLOSED', 'the database closed a new connection');
    if (attempt > 0 && attempt % hosts === 0) await sleep(BETWEEN_ROUNDS_MS);
  }

  return {
    async socket({ host, port, path }) {
      await pause(host.length);
      if (destroyed) throw unavailable('CONNECTION_CLOSED', 'the database client has ended');
      const index = attempt++ % host.length;
      const address = path ? { path } : { host: host[index] ?? 'localhost', port: port[index] ?? 5432 };
      const socket = closeWithError(createConnection(address));
      sockets.add(socket);
      // Not `close`: postgres.js removes every listener when it starts TLS.
      for (const known of sockets) if (known.destroyed) sockets.delete(known);
      // The name that TLS checks the certificate for.
      return Object.assign(socket, { host: host[index] });
    },
    destroy() {
      destroyed = true;
      for (const socket of sockets) socket.destroy();
    },
  };
}

/**
 * postgres.js fails what runs on a connection at `error`, but goes on giving it statements until `close`, one turn of the
 * event loop later: those wait for ever, or take the answer meant for another. So both come at once.
 */
function closeWithError(socket: Socket): Socket {
  const emit = socket.emit.bind(socket);
  let failure: unknown;
  socket.emit = (event: string, ...args: unknown[]) => {
    if (event === 'error') {
      failure = args[0];
      return true;
    }
    if (event === 'close' && failure !== undefined) emit('error', failure);
    return emit(event, ...args);
  };
  return socket;
}
