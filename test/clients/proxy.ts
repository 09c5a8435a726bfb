import { once } from 'node:events';
import { type AddressInfo, createServer, connect as dial, type Socket } from 'node:net';

export interface CuttingProxy {
  url: string;
  /** Ends every connection there is now, as a network does that goes away. */
  cut(): void;
  /** What the clients sent, one text per connection, WebSocket frames unmasked. */
  sent(): string[];
  stop(): Promise<void>;
}

/** A TCP proxy before a service, which resets the first `refused` connections at once. */
export async function startProxy(target: string, refused = 0): Promise<CuttingProxy> {
  const { hostname, port } = new URL(target);
  const open = new Set<Socket>();
  const sent: Buffer[][] = [];
  let accepted = 0;
  const server = createServer((client) => {
    client.on('error', () => {});
    accepted++;
    if (accepted <= refused) return void client.resetAndDestroy();
    const upstream = dial(Number(port), hostname).on('error', () => {});
    const bytes: Buffer[] = [];
    sent.push(bytes);
    client.on('data', (chunk) => bytes.push(chunk));
    client.pipe(upstream);
    upstream.pipe(client);
    for (const socket of [client, upstream]) open.add(socket.on('close', () => open.delete(socket)));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const cut = () => {
    for (const socket of open) socket.resetAndDestroy();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut,
    sent: () => sent.map((bytes) => readable(Buffer.concat(bytes))),
    async stop() {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}

function readable(bytes: Buffer): string {
  const end = bytes.indexOf('\r\n\r\n') + 4;
  const head = bytes.toString('latin1', 0, end);
  if (!/^upgrade: websocket/im.test(head)) return bytes.toString();
  let text = head;
  for (let rest = bytes.subarray(end); rest.length > 6; ) {
    const short = rest.readUInt8(1) & 0x7f;
    // Nothing that a client says here is longer than 64 KiB.
    const [at, length] = short === 126 ? [4, rest.readUInt16BE(2)] : [2, short];
    const mask = rest.subarray(at, at + 4);
    const payload = rest.subarray(at + 4, at + 4 + length);
    text += payload.map((byte, i) => byte ^ (mask[i % 4] ?? 0)).toString();
    rest = rest.subarray(at + 4 + length);
  }
  return text;
}
