import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname } from 'node:path';

/** Listens on `port`; when that is 0, on the port remembered beside the journal if it is free, else on any. */
export async function listen(server: Server, host: string, port: number, journalFile: string | null): Promise<number> {
  const memory = port === 0 && journalFile ? `${journalFile}.port` : null;
  const remembered = memory ? recall(memory) : 0;
  try {
    await once(server.listen(port || remembered, host), 'listening');
  } catch (error) {
    if (remembered === 0) throw error;
    await once(server.listen(0, host), 'listening');
  }
  const { port: taken } = server.address() as AddressInfo;
  if (memory && taken !== remembered) remember(memory, taken);
  return taken;
}

function recall(file: string): number {
  try {
    const port = Number(readFileSync(file, 'utf8'));
    return Number.isInteger(port) && port > 0 && port < 65_536 ? port : 0;
  } catch {
    return 0;
  }
}

/** Result links name the port, so they outlive the process only if the next one listens there too. */
function remember(file: string, port: number): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, String(port));
}
