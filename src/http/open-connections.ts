import { Fault } from '../fault.ts';
import type { Logger } from '../logger.ts';
import type { CredentialFault } from '../workspace/authenticate.ts';
import type { Caller } from '../workspace/caller.ts';
import type { Limits } from './limits.ts';

type Kind = 'socket' | 'stream';

export interface OpenConnections {
  /**
   * Counts a connection of this caller until `leave` is called; throws RATE_LIMITED when there are too many. `expel` is
   * called when the key behind it is revoked or has expired.
   */
  enter(kind: Kind, caller: Caller, expel: (fault: CredentialFault) => void): () => void;
  stop(): Promise<void>;
}

interface Connection {
  kind: Kind;
  keyId: string | null;
  expel: (fault: CredentialFault) => void;
}

/** What every caller holds open in this process, and whether it still may. */
export function createOpenConnections(
  { socketsPerKey, streamsPerKey, recheckMs }: Limits,
  findFaultyKeys: (ids: readonly string[]) => Promise<Map<string, CredentialFault>>,
  log: Logger,
): OpenConnections {
  const open = new Set<Connection>();
  const counts = new Map<string, number>();
  let checking: Promise<void> | null = null;
  const timer = setInterval(() => {
    checking ??= recheck().finally(() => {
      checking = null;
    });
  }, recheckMs);
  timer.unref();

  async function recheck(): Promise<void> {
    const ids = new Set([...open].flatMap(({ keyId }) => keyId ?? []));
    if (ids.size === 0) return;
    try {
      const faults = await findFaultyKeys([...ids]);
      for (const { keyId, expel } of faults.size > 0 ? [...open] : []) {
        const fault = faults.get(keyId ?? '');
        if (fault) expel(fault);
      }
    } catch (error) {
      log.warn({ err: error }, 'the keys of open connections could not be looked at; trying again');
    }
  }

  return {
    enter(kind, { apiKeyId: keyId }, expel) {
      const name = `${kind} ${keyId}`;
      const count = counts.get(name) ?? 0;
      const most = kind === 'socket' ? socketsPerKey : streamsPerKey;
      if (count >= most) {
        const what = kind === 'socket' ? 'WebSockets; use one for many subscriptions' : 'streams over HTTP';
        throw new Fault('RATE_LIMITED', `This key has ${count} open ${what}; close one first.`);
      }
      counts.set(name, count + 1);
      const connection = { kind, keyId, expel };
      open.add(connection);
      return () => {
        if (!open.delete(connection)) return;
        const rest = (counts.get(name) ?? 1) - 1;
        if (rest > 0) counts.set(name, rest);
        else counts.delete(name);
      };
    },
    async stop() {
      clearInterval(timer);
      await checking;
    },
  };
}
