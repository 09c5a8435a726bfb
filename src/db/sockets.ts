import { createConnection, type Socket } from 'node:net';

/** What postgres.js tells of where to connect to. */
interface Target {
  host: string[];
  port: number[];
  path: string | false;
}

/**
 * The sockets of one postgres.js client. It ends its sockets politely, which on a half-open connection takes a quarter of
 * an hour, and may still open one after its end: `destroy` ends them now and for good.
 */
export function trackSockets(): { socket(target: Target): Socket; destroy(): void } {
  const sockets = new Set<Socket>();
  let destroyed = false;
  let attempt = 0;
  return {
    socket({ host, port, path }) {
      if (destroyed) throw new Error('the database client has ended');
      const index = attempt++ % host.length;
      const address = path ? { path } : { host: host[index] ?? 'localhost', port: port[index] ?? 5432 };
      const socket = createConnection(address);
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
