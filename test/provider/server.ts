import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import net from 'node:net';
import { onTestFinished } from 'vitest';

interface Received {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface FakeServer {
  url: string;
  received: Received[];
  connections: number;
}

type Script = (response: ServerResponse, request: IncomingMessage) => void;

/** An HTTP server that reads each request whole, records it and answers by the script; it closes with the test. */
export async function startServer(script: Script): Promise<FakeServer> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method = '', url: path = '', headers } = request;
    fake.received.push({ method, path, headers, body: Buffer.concat(chunks).toString() });
    script(response, request);
  });
  const fake: FakeServer = { url: await listen(server), received: [], connections: 0 };
  server.on('connection', () => {
    fake.connections += 1;
  });
  onTestFinished(() => server.closeAllConnections());
  return fake;
}

/** A server below HTTP: the script gets the bare socket. */
export async function startSocketServer(script: (socket: net.Socket) => void): Promise<{ url: string }> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    script(socket);
  });
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
  });
  return { url: await listen(server) };
}

/** A loopback address where nobody listens. */
export async function findClosedUrl(): Promise<string> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}`;
}

export function json(status: number, body: unknown, headers: Record<string, string> = {}): Script {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return (response) => response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text);
}

async function listen(server: net.Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as net.AddressInfo).port}`;
}
