import type { IncomingMessage } from 'node:http';
import { isLoopback } from '../config/config.ts';
import type { Database } from '../db/connect.ts';
import { Fault } from '../fault.ts';
import { authenticate } from '../workspace/authenticate.ts';
import type { Caller } from '../workspace/caller.ts';

export interface Door {
  /** Whether the service answers without a key: nothing can be billed and nobody else can reach it. */
  open: boolean;
  /** Origins of pages that may call besides our own. */
  origins: readonly string[];
}

/** The one check of who calls, on every transport. `init` is what connection_init brought, if there was one. */
export async function identify(
  db: Database,
  door: Door,
  request: Pick<IncomingMessage, 'headers'>,
  init: string | undefined,
): Promise<Caller> {
  const authorization = init ?? request.headers.authorization;
  if (!authorization && door.open) refuseStrangers(door, request);
  return authenticate(db, authorization, door.open);
}

/**
 * Without a key, any web page the user has open could speak for them: by a name that points at this machine (DNS
 * rebinding), or by a WebSocket, which knows no same-origin rule.
 */
function refuseStrangers({ origins }: Door, { headers }: Pick<IncomingMessage, 'headers'>): void {
  const host = hostOf(`http://${headers.host ?? ''}`);
  if (!host || !isLoopback(host.hostname)) {
    throw new Fault('FORBIDDEN', 'Without a key this service answers only under its loopback address.');
  }
  const { origin } = headers;
  if (origin && hostOf(origin)?.host !== host.host && !origins.includes(origin)) {
    throw new Fault('FORBIDDEN', 'Without a key this service does not answer pages of another origin.');
  }
}

function hostOf(url: string): URL | null {
  return URL.canParse(url) ? new URL(url) : null;
}
