/** What a client may hold open, and how long it may keep us waiting. */
export interface Limits {
  /** WebSockets of one key; of all callers without one together. */
  socketsPerKey: number;
  /** Event streams and multipart subscriptions over HTTP, counted in the same way. */
  streamsPerKey: number;
  /** Operations that run at once on one WebSocket. */
  operationsPerSocket: number;
  /** WebSockets of one address that have not said yet who they are. */
  strangersPerAddress: number;
  /** From the opening of a WebSocket to its connection_init. */
  initMs: number;
  /** How often a WebSocket is pinged: one that did not answer the last ping is cut. */
  pingMs: number;
  /** How often a stream over HTTP shows that it is still there. */
  heartbeatMs: number;
  /** How often the keys of what is open are looked at: so late is a revoked one noticed. */
  recheckMs: number;
}

/** A key's sockets may carry 10,000 subscriptions; a dead peer is freed within 40 s, a revoked key within 4. */
export const LIMITS: Limits = {
  socketsPerKey: 100,
  streamsPerKey: 500,
  operationsPerSocket: 100,
  strangersPerAddress: 100,
  initMs: 10_000,
  pingMs: 20_000,
  heartbeatMs: 12_000,
  recheckMs: 3_000,
};
