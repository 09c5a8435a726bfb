import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WireFault } from './orders.ts';
import { createSent, type Sent } from './sent.ts';
import { readSubmission, type Submission } from './submission.ts';

/** What stands between the workers and the providers, and sees and spoils what is sent. */
export interface ProviderDoor {
  /** Where workers find the providers. */
  url: string;
  sent: Sent;
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
  const sent = createSent();
  let kills: { when: KillMoment; done: () => void }[] = [];

  async function submit(
    submission: Submission,
    incoming: IncomingMessage,
    body: Buffer,
    answer: ServerResponse,
  ): Promise<void> {
    const fresh = sent.leaves(submission);
    const fault = fresh.map(options.faultOf).find((each) => each !== null) ?? null;
    const kill = kills.shift();
    if (kill?.when === 'on receipt') return await strike(kill.done, answer);
    if (fault === 'cut before it was taken') return void answer.destroy();
    const reply = await forward(incoming, body);
    // The images themselves, one after the other: a worker that dies in between has seen the first.
    if (isStream(reply) && (kill || !fault || fault === 'cut within its answer')) {
      if (!kill && !fault) return await pass(reply, answer);
      await passFirst(reply, answer);
      return kill ? await strike(kill.done, answer) : void answer.destroy();
    }
    const bytes = await read(reply);
    if (kill) return await strike(kill.done, answer);
    if (fault === 'answer dropped') return void answer.destroy();
    if (fault === 'answer late') await sleep(options.lateMs);
    const { statusCode = 502 } = reply;
    answer.writeHead(statusCode, reply.headers);
    if (fault === 'cut within its answer') {
      await new Promise((written) => answer.write(bytes.subarray(0, bytes.length / 2), written));
      return void answer.destroy();
    }
    sent.answered(submission, statusCode, bytes.toString());
    answer.end(bytes);
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
    const { method = 'GET', url = '/' } = incoming;
    const body = await read(incoming);
    const submission = readSubmission(method, url, body.toString());
    if (submission) return submit(submission, incoming, body, answer);
    await pass(await forward(incoming, body), answer);
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
    sent,
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

function isStream({ headers }: IncomingMessage): boolean {
  return headers['content-type'] === 'text/event-stream';
}

async function pass(reply: IncomingMessage, answer: ServerResponse): Promise<void> {
  answer.writeHead(reply.statusCode ?? 502, reply.headers);
  await pipeline(reply, answer);
}

async function passFirst(reply: IncomingMessage, answer: ServerResponse): Promise<void> {
  answer.writeHead(reply.statusCode ?? 502, reply.headers);
  for await (const chunk of reply as AsyncIterable<Buffer>) {
    await new Promise((written) => answer.write(chunk, written));
    return;
  }
}

async function read(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}
