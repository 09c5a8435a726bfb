import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export type Asker = 'a' | 'b';

interface Waiting {
  id: string;
  response: ServerResponse;
}

/** A provider that speaks the polls of GPTImage2, knows every id, and has one address for each of two workers. */
export interface PollUpstream {
  /** What GPTIMAGE2_BASE_URL is for one of them. */
  urlFor(asker: Asker): string;
  /** Who has asked about which id so far. */
  askers: Map<string, Set<Asker>>;
  /** What is answered: how far every fourth task is, while the others wait, or why all of them failed. */
  state: { percent: number } | { failed: string };
  /** Lets one of them wait for its answers from now on. */
  holdBack(asker: Asker): void;
  /** Who waits for an answer. */
  waiting: Waiting[];
  /** Answers all that wait, and holds nobody back any more. */
  answerWaiting(state: PollUpstream['state']): void;
}

export async function startPollUpstream(): Promise<PollUpstream> {
  let heldBack: Asker | null = null;
  const upstream: PollUpstream = {
    urlFor: (asker) => `http://127.0.0.1:${(server.address() as AddressInfo).port}/${asker}`,
    askers: new Map(),
    state: { percent: 30 },
    waiting: [],
    holdBack(asker) {
      heldBack = asker;
    },
    answerWaiting(state) {
      heldBack = null;
      for (const { response, id } of upstream.waiting.splice(0)) answer(response, id, state);
    },
  };
  const server = createServer((request, response) => {
    const [, asker, , , id] = (request.url ?? '').split('/') as [string, Asker, string, string, string];
    upstream.askers.set(id, (upstream.askers.get(id) ?? new Set()).add(asker));
    if (asker === heldBack) upstream.waiting.push({ id, response });
    else answer(response, id, upstream.state);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return upstream;
}

function answer(response: ServerResponse, id: string, state: PollUpstream['state']): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ id, ...tell(id, state) }));
}

function tell(id: string, state: PollUpstream['state']): object {
  if ('failed' in state) return { status: 'failed', error: { code: state.failed, message: 'It came to nothing.' } };
  return isAtWork(id) ? { status: 'processing', progress: state.percent } : { status: 'pending' };
}

function isAtWork(id: string): boolean {
  return Number(id.replace(/\D/g, '')) % 4 === 0;
}
