import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import sharp from 'sharp';

/** What becomes of one submission. What was not accepted was not billed; CUT is a connection that ends without a word. */
export type SubmitFate = 'ANSWERED' | 'ACCEPTED_AND_CUT' | 'CUT' | 'ACCEPTED_AND_500' | 'ACCEPTED_AND_HELD';
/** BLIND: it answers as if it did not know the reference, though it does. */
type LookupFate = 'TRUE' | 'BUSY' | 'BLIND' | 'REFUSED';
type AskFate = 'TRUE' | 'SILENT' | 'BUSY' | 'MISSING' | 'HELD';
type Reply = { status: number; body: object; retryAfter?: string } | 'CUT';
type Body = { prompt: string; reference: string };

/** What the upstream does with the requests about one prompt, in turn; what is not planned is done truly and at once. */
export interface Plan {
  submits?: SubmitFate[];
  lookups?: LookupFate[];
  asks?: AskFate[];
  /** How its tasks end; RUNNING ones run until their `end` is changed. */
  end?: Order['end'];
  /** Whether the URLs of its images serve none. */
  dead?: boolean;
}

/** All that came in about one prompt. */
interface Order {
  /** When any of it came in, in milliseconds. */
  requests: number[];
  posts: Body[];
  /** What was accepted, and billed: one charge each. */
  accepted: { id: string; reference: string }[];
  lookups: number;
  /** When its tasks were asked about by their ids, in milliseconds. */
  asks: number[];
  end: 'RUNNING' | 'FINISHED' | 'FAILED';
}

export interface Upstream {
  url: string;
  plan(prompt: string, plan: Plan): void;
  of(prompt: string): Order;
  /** Lets what is HELD go on: answered, or cut. */
  release(prompt: string, how: 'ANSWER' | 'CUT'): void;
  stop(): Promise<void>;
}

/** How long it asks for, where it is BUSY with what it accepted. */
export const BUSY_MS = 100_000;

const PICTURE = sharp({ create: { width: 16, height: 16, channels: 3, background: 'teal' } })
  .png()
  .toBuffer();

/**
 * A provider over real HTTP that counts what it accepted and loses answers as it is told. Asked for its tasks by id or
 * by the caller's reference; it takes each reference once.
 */
export async function startUpstream(): Promise<Upstream> {
  const plans = new Map<string, Plan>();
  const orders = new Map<string, Order>();
  const held = new Map<string, ((how: 'ANSWER' | 'CUT') => void)[]>();
  const server = createServer(async (request, response) => give(response, await reply(request)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;

  function of(prompt: string): Order {
    const { end = 'FINISHED' } = plans.get(prompt) ?? {};
    const order = orders.get(prompt) ?? { requests: [], posts: [], accepted: [], lookups: 0, asks: [], end };
    orders.set(prompt, order);
    return order;
  }

  async function reply(request: IncomingMessage): Promise<Reply> {
    const [, place, name = ''] = (request.url ?? '').split('/');
    if (request.method === 'POST') return submit((await json(request)) as Body);
    const found = [...orders].find(([, { posts, accepted }]) =>
      place === 'references'
        ? posts.some(({ reference }) => reference === name)
        : accepted.some(({ id }) => id === name),
    );
    if (!found) return { status: 404, body: { error: 'unknown' } };
    const [prompt, order] = found;
    if (place === 'references') return lookUp(prompt, order, name);
    if (place === 'tasks') return tell(prompt, order, name);
    return plans.get(prompt)?.dead ? { status: 404, body: { error: 'gone' } } : { status: 200, body: await PICTURE };
  }

  function submit(body: Body): Reply | Promise<Reply> {
    const order = of(body.prompt);
    order.requests.push(Date.now());
    order.posts.push(body);
    const known = order.accepted.find(({ reference }) => reference === body.reference);
    if (known) return { status: 409, body: { error: 'this reference is known', id: known.id } };
    const fate = plans.get(body.prompt)?.submits?.shift() ?? 'ANSWERED';
    if (fate === 'CUT') return 'CUT';
    const id = randomUUID();
    order.accepted.push({ id, reference: body.reference });
    if (fate === 'ACCEPTED_AND_CUT') return 'CUT';
    if (fate === 'ACCEPTED_AND_500') return { status: 500, body: { error: 'stumbled' } };
    const answer = { status: 200, body: { id } };
    return fate === 'ACCEPTED_AND_HELD' ? hold(body.prompt, answer) : answer;
  }

  function lookUp(prompt: string, order: Order, reference: string): Reply {
    order.requests.push(Date.now());
    order.lookups += 1;
    const fate = plans.get(prompt)?.lookups?.shift() ?? 'TRUE';
    if (fate === 'BUSY') return { status: 503, body: { error: 'later' } };
    if (fate === 'REFUSED') return { status: 200, body: { refused: 'a kite is not allowed' } };
    const known = order.accepted.find((each) => each.reference === reference);
    if (!known || fate === 'BLIND') return { status: 404, body: { error: 'unknown' } };
    return { status: 200, body: { id: known.id } };
  }

  function tell(prompt: string, order: Order, id: string): Reply | Promise<Reply> {
    order.requests.push(Date.now());
    order.asks.push(Date.now());
    const fate = plans.get(prompt)?.asks?.shift() ?? 'TRUE';
    if (fate === 'SILENT') return { status: 503, body: { error: 'later' } };
    if (fate === 'BUSY') return { status: 429, body: { error: 'too often' }, retryAfter: `${BUSY_MS / 1000}` };
    if (fate === 'MISSING') return { status: 404, body: { error: 'unknown' } };
    const answer = { status: 200, body: { status: order.end, images: [`http://${host}/images/${id}`] } };
    return fate === 'HELD' ? hold(prompt, answer) : answer;
  }

  function hold(prompt: string, answer: Reply): Promise<Reply> {
    return new Promise((resolve) => {
      const go = (how: 'ANSWER' | 'CUT') => resolve(how === 'CUT' ? 'CUT' : answer);
      held.set(prompt, [...(held.get(prompt) ?? []), go]);
    });
  }

  return {
    url: `http://${host}`,
    plan: (prompt, plan) => void plans.set(prompt, plan),
    of,
    release(prompt, how) {
      for (const go of held.get(prompt) ?? []) go(how);
      held.delete(prompt);
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function give(response: ServerResponse, reply: Reply): void {
  if (reply === 'CUT') {
    response.destroy();
    return;
  }
  const { status, body, retryAfter } = reply;
  response.writeHead(status, retryAfter ? { 'retry-after': retryAfter } : {});
  response.end(Buffer.isBuffer(body) ? body : JSON.stringify(body));
}
