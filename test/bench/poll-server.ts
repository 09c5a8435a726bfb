import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

/** What came in about one provider. */
export interface Came {
  requests: number;
  /** How many tasks or batches were asked about. */
  ids: number;
  /** From one question about an id to the next, in milliseconds: the middle one, and the one that 1 in 100 exceeds. */
  gapMs: { p50: number; p99: number };
}

interface Tally {
  requests: number;
  ids: number;
  askedAt: Map<string, number>;
  gaps: number[];
}

/** Five providers in a process of its own, by the first part of the path, whose tasks never end. */
let tallies = new Map<string, Tally>();
const server = createServer((request, response) => void answer(request, response));
// Whoever asks decides when a connection was idle for long enough.
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));

process.on('message', (word) => {
  if (word === 'report') process.send?.(Object.fromEntries([...tallies].map(([slug, tally]) => [slug, toCame(tally)])));
  // What was asked before is where the gaps begin.
  tallies = new Map([...tallies].map(([slug, { askedAt }]) => [slug, { requests: 0, ids: 0, askedAt, gaps: [] }]));
});
process.on('disconnect', () => process.exit());

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? '').split('/').filter((part) => part !== '' && part !== 'status');
  const [slug = ''] = path;
  const asked = request.method === 'POST' ? idsOf(await json(request)) : [path.at(-1)];
  const ids = asked.map(String);
  count(slug, ids);
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(bodyOf(slug, ids)));
}

function idsOf(tasks: unknown): unknown[] {
  return Array.isArray(tasks) ? tasks.map(({ taskUUID }) => taskUUID) : [];
}

function bodyOf(slug: string, ids: string[]): object {
  const [id = ''] = ids;
  switch (slug) {
    case 'runware':
      return { data: ids.map((taskUUID) => ({ taskType: 'imageInference', taskUUID, status: 'processing' })) };
    case 'threedaistudio':
      return { status: 'IN_PROGRESS', progress: 30, results: [] };
    case 'seedance':
      return { batch_id: id, status: 'processing', results: [] };
    default:
      return { id, status: 'processing', progress: 30 };
  }
}

function count(slug: string, ids: string[]): void {
  const tally: Tally = tallies.get(slug) ?? { requests: 0, ids: 0, askedAt: new Map(), gaps: [] };
  tallies.set(slug, tally);
  tally.requests += 1;
  tally.ids += ids.length;
  const now = performance.now();
  for (const id of ids) {
    const last = tally.askedAt.get(id);
    if (last !== undefined) tally.gaps.push(now - last);
    tally.askedAt.set(id, now);
  }
}

function toCame({ requests, ids, gaps }: Tally): Came {
  const sorted = gaps.sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
  return { requests, ids, gapMs: { p50: at(0.5), p99: at(0.99) } };
}
