import { setTimeout as wait } from 'node:timers/promises';
import { type Call, type Desk, getPictureUrl, type Reply } from '../dialect.ts';
import { getNow, getSlotEnd, type Task } from '../task.ts';
import { type Code, refuseWith, toError } from './errors.ts';
import type { Wish } from './order.ts';
import { type Outcome, toOutcome } from './outcomes.ts';

/** The answer, which comes when the images do. A caller that leaves misses it, and changes nothing else. */
export function toReply(call: Call, desk: Desk, task: Task, wish: Wish): Reply {
  const outcome = toOutcome(task);
  const request = { call, desk, task, wish };
  if (wish.isStream) {
    return { status: 200, headers: { 'content-type': 'text/event-stream' }, pieces: streamEvents(request, outcome) };
  }
  const headers = { 'content-type': 'application/json' };
  if (outcome.kind === 'ANSWERED') return { status: 200, headers, pieces: sendAll(request, outcome.images) };
  const { status, body } = refuseWith(outcome.code, WORDS);
  return { status, headers, pieces: sendLate(request, body) };
}

interface Request {
  call: Call;
  desk: Desk;
  task: Task;
  wish: Wish;
}

const WORDS = 'The image could not be generated';
const FOREVER_MS = 2 ** 31 - 1;

async function* streamEvents(request: Request, outcome: Outcome): AsyncGenerator<string> {
  const { task, wish } = request;
  const toHead = () => ({ model: wish.model, created: Math.floor(getNow() / 1000) });
  if (outcome.kind === 'FAILED') {
    await waitForSlot(request, task.count - 1);
    yield `data: ${JSON.stringify(refuseWith(outcome.code, WORDS).body)}\n\n`;
    return;
  }
  for (const [index, code] of outcome.images.entries()) {
    await waitForSlot(request, index);
    const type = `image_generation.${code === null ? 'partial_succeeded' : 'partial_failed'}`;
    yield toEvent(type, { ...toHead(), image_index: index, ...(await toImage(request, index, code)) });
    // After an image, because nothing comes before the first one.
    if (task.directives.has('odd-status')) yield toEvent('image_generation.reviewing_v2', toHead());
  }
  yield toEvent('image_generation.completed', { ...toHead(), usage: toUsage(request, outcome.images) });
  yield 'data: [DONE]\n\n';
}

async function* sendAll(request: Request, codes: (Code | null)[]): AsyncGenerator<string> {
  await waitForSlot(request, codes.length - 1);
  const data = await Promise.all(codes.map((code, index) => toImage(request, index, code)));
  // SIM: without events, the odd word is a field nobody documented.
  const odd = request.task.directives.has('odd-status') ? { status: 'reviewing_v2' } : {};
  const head = { model: request.wish.model, created: Math.floor(getNow() / 1000), ...odd };
  yield JSON.stringify({ ...head, data, usage: toUsage(request, codes) });
}

async function* sendLate(request: Request, body: unknown): AsyncGenerator<string> {
  await waitForSlot(request, request.task.count - 1);
  yield JSON.stringify(body);
}

/** Throws when the caller leaves. */
async function waitForSlot({ task, call: { signal } }: Request, index: number): Promise<void> {
  const end = getSlotEnd(task, index);
  if (end === null) await wait(FOREVER_MS, undefined, { signal });
  // A timer may ring a moment early, when the file would not be there yet.
  while (end !== null && getNow() < end) await wait(Math.ceil(end - getNow()), undefined, { signal });
}

async function toImage({ call, desk, task, wish }: Request, index: number, code: Code | null) {
  if (code !== null) return { error: toError(code, WORDS) };
  const size = `${task.width}x${task.height}`;
  if (wish.isInline) return { b64_json: (await desk.draw(task, index)).toString('base64'), size };
  // SIM: an answer has its links or none; with `late-asset` they are right and lead nowhere for a moment.
  return { url: getPictureUrl(task, index, call.origin), size };
}

function toUsage({ task, wish }: Request, codes: (Code | null)[]) {
  const images = codes.filter((code) => code === null).length;
  const tokens = Math.floor((task.width * task.height) / 256) * images;
  const searched = wish.searchesWeb ? { tool_usage: { web_search: 1 } } : {};
  return { generated_images: images, output_tokens: tokens, total_tokens: tokens, ...searched };
}

function toEvent(type: string, data: Record<string, unknown>): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`;
}
