import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

export type Transport = 'http' | 'sse' | 'multipart' | 'websocket';
export type Route = 'graphql' | 'assets' | 'webhooks' | 'health' | 'other';

const SECONDS = [0.005, 0.02, 0.1, 0.5, 2, 10];

/** Error codes are ours and few; whatever else may come up is one word. */
const CODE = /^[A-Z][A-Z_]{2,39}$/;

/** What callers do, and how they fare. */
export function createClientMetrics(registry: Registry) {
  const registers = [registry];
  const requests = new Histogram({
    name: 'darkroom_http_request_duration_seconds',
    help: 'HTTP requests until their answer was sent, event streams excepted. status: 2xx to 5xx, or aborted by the client.',
    labelNames: ['route', 'status'],
    buckets: SECONDS,
    registers,
  });
  const operations = new Histogram({
    name: 'darkroom_operation_duration_seconds',
    help: 'Queries and mutations that were executed, on every transport.',
    labelNames: ['operation', 'transport'],
    buckets: SECONDS,
    registers,
  });
  const errors = new Counter({
    name: 'darkroom_operation_errors_total',
    help: 'Top-level errors that clients were sent, by extensions.code.',
    labelNames: ['code', 'transport'],
    registers,
  });
  const subscriptions = new Gauge({
    name: 'darkroom_subscriptions',
    help: 'Subscriptions that are open in this process.',
    labelNames: ['transport'],
    registers,
  });
  const sockets = new Gauge({
    name: 'darkroom_websockets',
    help: 'WebSocket connections that are open in this process.',
    registers,
  });

  return {
    sawRequest(route: Route, status: string, ms: number): void {
      requests.observe({ route, status }, ms / 1000);
    },
    sawOperation(operation: 'query' | 'mutation', transport: Transport, ms: number): void {
      operations.observe({ operation, transport }, ms / 1000);
    },
    sawError(code: unknown, transport: Transport): void {
      errors.inc({ code: typeof code === 'string' && CODE.test(code) ? code : 'OTHER', transport });
    },
    subscriptionOpened(transport: Transport): void {
      subscriptions.inc({ transport });
    },
    subscriptionEnded(transport: Transport): void {
      subscriptions.dec({ transport });
    },
    socketOpened: () => sockets.inc(),
    socketClosed: () => sockets.dec(),
  };
}
