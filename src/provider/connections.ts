import { setMaxListeners } from 'node:events';
import { Agent, Client, type Dispatcher } from 'undici';

const CONNECT_TIMEOUT_MS = 10_000;

// undici's own timeouts count per chunk; the one deadline of a sending replaces them.
const LIMITS = { maxHeaderSize: 16_384, headersTimeout: 0, bodyTimeout: 0 };

/** What requests are sent over. */
export interface Connections {
  readonly dispatcher: Dispatcher;
  /** Breaks off what is under way and closes every socket. */
  stop(): Promise<void>;
}

/** Connections kept alive between polls, to any number of hosts; an idle one closes after four seconds. */
export function createConnections(): Connections {
  return create((connect) => new Agent({ ...LIMITS, connect }));
}

/** One connection for one request. */
export function createConnection(origin: string): Connections {
  return create((connect) => new Client(origin, { ...LIMITS, pipelining: 0, connect }));
}

function create(open: (connect: { timeout: number; signal: AbortSignal }) => Dispatcher): Connections {
  const over = new AbortController();
  // One for each socket.
  setMaxListeners(0, over.signal);
  const dispatcher = open({ timeout: CONNECT_TIMEOUT_MS, signal: over.signal });
  return {
    dispatcher,
    async stop() {
      await dispatcher.destroy();
      // undici does not close a socket that is still connecting.
      over.abort();
    },
  };
}
