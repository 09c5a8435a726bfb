import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import sharp from 'sharp';
import type { Refusal } from '../../src/sandbox/dialect.ts';
import { DIALECTS } from '../../src/sandbox/dialects.ts';
import { readSubmission } from '../chaos/submission.ts';

export type DoorFault = 'outage' | 'no credits' | 'refused key' | 'busy' | 'lost answers';

/** One provider of a sandbox behind an address of its own, which fails when it is told to. */
export interface FailingDoor {
  slug: string;
  /** `host:port`. */
  host: string;
  url: string;
  /** When each submission arrived, and when it had its answer: milliseconds since 1970. */
  submits: { at: number; answeredAt: number | null }[];
  /** From now on; null: it is well again. */
  fail(fault: DoorFault | null): Promise<void>;
  stop(): Promise<void>;
}

export async function openFailingDoor(slug: string, sandboxUrl: string): Promise<FailingDoor> {
  const submits: FailingDoor['submits'] = [];
  const picture = await sharp({ create: { width: 64, height: 48, channels: 3, background: '#1e90ff' } })
    .png()
    .toBuffer();
  let fault: DoorFault | null = null;

  async function handle(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/', headers } = incoming;
    const body = await read(incoming);
    const isSubmit = readSubmission(method, url, body.toString()) !== null;
    const submit: FailingDoor['submits'][number] = { at: Date.now(), answeredAt: null };
    if (isSubmit) submits.push(submit);
    answer.once('close', () => {
      submit.answeredAt = Date.now();
    });
    const refusal = isSubmit && fault ? REFUSALS[fault] : undefined;
    if (refusal) return refuse(answer, refusal);

    // Of 300 pictures of four megapixels this machine would see nothing else.
    if (url.includes('/files/')) return void answer.writeHead(200, { 'content-type': 'image/png' }).end(picture);
    const outgoing = request(new URL(url, sandboxUrl), { method, headers });
    outgoing.end(body);
    const [reply]: [IncomingMessage] = await once(outgoing, 'response').then(([first]) => [first]);
    if (isSubmit && fault === 'lost answers') {
      await read(reply);
      return void answer.destroy();
    }
    answer.writeHead(reply.statusCode ?? 502, reply.headers);
    await pipeline(reply, answer);
  }

  /** In the provider's own words. */
  function refuse(answer: ServerResponse, refusal: Refusal): void {
    const reply = DIALECTS.find((dialect) => dialect.slug === slug)?.refuse(refusal);
    if (!reply || reply === 'cut' || !('body' in reply)) throw new Error(`${slug} has no words for ${refusal}`);
    answer.writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers });
    answer.end(JSON.stringify(reply.body));
  }

  const server = createServer((incoming, answer) => {
    handle(incoming, answer).catch(() => answer.destroy());
  });
  const listen = async (port: number) => void (await once(server.listen(port, '127.0.0.1'), 'listening'));
  await listen(0);
  const address = server.address();
  const port = typeof address === 'object' ? Number(address?.port) : 0;
  return {
    slug,
    host: `127.0.0.1:${port}`,
    url: `http://127.0.0.1:${port}/${slug}`,
    submits,
    async fail(next) {
      if (fault === 'outage') await listen(port);
      fault = next;
      if (fault !== 'outage') return;
      // What is being answered goes on; nobody else gets a connection.
      server.close();
      server.closeIdleConnections();
    },
    async stop() {
      if (fault === 'outage') return server.closeAllConnections();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

const REFUSALS: Partial<Record<DoorFault, Refusal>> = {
  'no credits': 'no-credits',
  'refused key': 'unauthorized',
  busy: 'rate-limited',
};

async function read(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}
