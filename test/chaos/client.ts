import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTurns } from '../../src/turns.ts';
import type { Order } from './orders.ts';

export const API_KEY = 'sk_test_of-the-clients-of-the-campaign';

/** What a client was told of its order. */
export interface Placed {
  order: Order;
  /** The generation that was acknowledged. */
  id: string;
  /** Whether its wish to cancel was granted; null when it had none. */
  canceled: boolean | null;
}

export interface Client {
  /**
   * Orders, again and again with the same key until it is acknowledged, and cancels where that is planned. Null, and a
   * complaint, when that could not be had.
   */
  place(order: Order): Promise<Placed | null>;
  /** What a client cannot wait out: nothing here is right. */
  complaints: string[];
}

const GIVES_UP_AFTER_MS = 180_000;
/** Longer than the service lets anybody wait for its database: who asks again sooner only adds to what is to be done. */
const ANSWER_WITHIN_MS = 20_000;
const MOST_AT_ONCE = 16;
const AGAIN_AFTER_MS = 150;

const CREATE = `mutation($input: CreateGenerationInput!) {
  createGeneration(input: $input) { generation { id } errors { message } }
}`;
const CANCEL = 'mutation($id: ID!) { cancelGeneration(id: $id) { generation { id } errors { code message } } }';

export function createClient(url: string): Client {
  const complaints: string[] = [];
  const takeTurn = createTurns(MOST_AT_ONCE);

  async function place(order: Order): Promise<Placed | null> {
    try {
      const placed = await takeTurn(() => buy(order));
      return order.cancelAfterMs === null ? placed : await cancel(placed, order.cancelAfterMs);
    } catch (error) {
      complaints.push(`${order.idempotencyKey}: ${error}`);
      return null;
    }
  }

  async function buy(order: Order): Promise<Placed> {
    const { prompt, images, idempotencyKey } = order;
    const variables = { input: { prompt, images, idempotencyKey } };
    if (order.hangsUp) await hangUp(url, toBody(CREATE, variables));
    const { createGeneration } = await insist<{ createGeneration: Created }>(CREATE, variables);
    const id = createGeneration.generation?.id;
    if (!id) throw new Error(`an order was refused: ${JSON.stringify(createGeneration)}`);
    if (order.hangsUp) {
      const { createGeneration: again } = await insist<{ createGeneration: Created }>(CREATE, variables);
      if (again.generation?.id !== id) complaints.push(`${idempotencyKey} had two answers`);
    }
    return { order, id, canceled: null };
  }

  async function cancel(placed: Placed, afterMs: number): Promise<Placed> {
    await sleep(afterMs);
    const { cancelGeneration } = await insist<{ cancelGeneration: Canceled }>(CANCEL, { id: placed.id });
    return { ...placed, canceled: cancelGeneration.errors.length === 0 };
  }

  /** Until it is answered: what the service cannot do now is asked for again. */
  async function insist<T>(document: string, variables: object): Promise<T> {
    const deadline = performance.now() + GIVES_UP_AFTER_MS;
    for (;;) {
      const answer = await send<T>(toBody(document, variables));
      if (answer?.data) return answer.data;
      for (const { message, extensions } of answer?.errors ?? []) {
        if (extensions?.code !== 'UNAVAILABLE') complaints.push(`${extensions?.code}: ${message}`);
      }
      if (performance.now() > deadline) throw new Error(`no answer to ${JSON.stringify(variables)}`);
      await sleep(AGAIN_AFTER_MS);
    }
  }

  /** Null when the connection broke, as it does when the process at its other end dies. */
  async function send<T>(body: string): Promise<Answer<T> | null> {
    try {
      const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
      const response = await fetch(`${url}/graphql`, { method: 'POST', headers: HEADERS, body, signal });
      return (await response.json()) as Answer<T>;
    } catch {
      return null;
    }
  }

  return { place, complaints };
}

interface Created {
  generation: { id: string } | null;
}

interface Canceled {
  errors: { code: string }[];
}

interface Answer<T> {
  data: T | null;
  errors?: { message: string; extensions?: { code?: string } }[];
}

// A pooled connection would end with the api behind it.
const HEADERS = { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}`, connection: 'close' };

function toBody(query: string, variables: object): string {
  return JSON.stringify({ query, variables });
}

/** Sends the request and is gone before the answer. */
function hangUp(url: string, body: string): Promise<void> {
  return new Promise((resolve) => {
    const leaving = request(`${url}/graphql`, { method: 'POST', headers: HEADERS });
    leaving.on('error', () => {});
    leaving.on('close', () => resolve());
    leaving.end(body, () => leaving.destroy());
  });
}
