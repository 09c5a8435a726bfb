import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WireFault } from './orders.ts';

/** What stands between the workers and the provider, and sees and spoils what is sent. */
export interface ProviderDoor {
  /** Where workers find the provider. */
  url: string;
  /** Prompts that were sent again although the provider may have taken them the first time. */
  sentAgain: string[];
  /** The next submit kills the workers: before the provider has it, or before its answer leaves. Resolves when it has. */
  killAtNext(when: KillMoment): Promise<void>;
  /** Takes back the kills that no submit has brought about. */
  disarm(): void;
  stop(): Promise<void>;
}

type KillMoment = 'on receipt' | 'after accept';

export interface ProviderDoorOptions {
  providerUrl: string;
  /** What happens to the first submit of an order with this prompt. */
  faultOf: (prompt: string) => WireFault | null;
  /** How long after its time an answer comes that is late. */
  lateMs: number;
  killWorkers: () => Promise<void>;
}

export async function openProviderDoor(options: ProviderDoorOptions): Promise<ProviderDoor> {
  /** Whether the provider has refused what was sent last with this prompt: only then may it be sent again. */
  const refused = new Map<string, boolean>();
  const sentAgain: string[] = [];
  let kills: { when: KillMoment; done: () => void }[] = [];

  async function submit(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    const body = await read(incoming);
    const { prompt }: { prompt: string } = JSON.parse(body.toString());
    const fault = refused.has(prompt) ? null : options.faultOf(prompt);
    if (refused.get(prompt) === false) sentAgain.push(prompt);
    refused.set(prompt, false);
    const kill = kills.shift();
    if (kill?.when === 'on receipt') return await strike(kill.done, answer);
    if (fault === 'cut before it was taken') return void answer.destroy();
    const reply = await forward(incoming, body);
    const bytes = await read(reply);
    if (kill) return await strike(kill.done, answer);
    if (fault === 'answer dropped') return void answer.destroy();
    if (fault === 'answer late') await sleep(options.lateMs);
    const { statusCode = 502 } = reply;
    refused.set(prompt, statusCode >= 400 && statusCode < 500);
    answer.writeHead(statusCode, reply.headers).end(bytes);
  }

  async function strike(done: () => void, answer: ServerResponse): Promise<void> {
    await options.killWorkers();
    answer.destroy();
    done();
  }

  async function forward({ method, url, headers }: IncomingMessage, body: Buffer): Promise<IncomingMessage> {
    // The provider makes its result URLs with the Host that it sees: they lead through this door again.
    const outgoing = request(new URL(url ?? '/', options.providerUrl), { method: method ?? 'GET', headers });
    outgoing.end(body);
    const [reply] = await once(outgoing, 'response');
    return reply;
  }

  async function handle(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    if (incoming.method === 'POST') return submit(incoming, answer);
    const reply = await forward(incoming, await read(incoming));
    answer.writeHead(reply.statusCode ?? 502, reply.headers);
    await pipeline(reply, answer);
  }

  const server = createServer((incoming, answer) => {
    // Either side may be gone by then, which is what this is for.
    handle(incoming, answer).catch(() => answer.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
    sentAgain,
    killAtNext: (when) => new Promise((done) => kills.push({ when, done })),
    disarm() {
      kills = [];
    },
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function read(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}
