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
   * Buys the orders of one call, again and again with the same keys until they are acknowledged, and cancels where that
   * is planned. Those that could not be had are missing, with a complaint.
   */
  place(orders: readonly Order[]): Promise<Placed[]>;
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
const CREATE_MANY = `mutation($inputs: [CreateGenerationInput!]!) {
  createGenerations(inputs: $inputs) { results { generation { id } errors { message } } }
}`;
const CANCEL = 'mutation($id: ID!) { cancelGeneration(id: $id) { generation { id } errors { code message } } }';

/** `references`: where the providers find a picture to start from. */
export function createClient(url: string, references: Record<'http' | 'https', string>): Client {
  const complaints: string[] = [];
  const takeTurn = createTurns(MOST_AT_ONCE);

  async function place(orders: readonly Order[]): Promise<Placed[]> {
    try {
      const placed = await takeTurn(() => buy(orders));
      return await Promise.all(placed.map(cancelAsPlanned));
    } catch (error) {
      complaints.push(`${orders.map(({ idempotencyKey }) => idempotencyKey)}: ${error}`);
      return [];
    }
  }

  async function buy(orders: readonly Order[]): Promise<Placed[]> {
    const [document, variables] = toOperation(orders, references);
    const hangsUp = orders.some((order) => order.hangsUp);
    if (hangsUp) await hangUp(url, toBody(document, variables));
    const ids = idsOf(await insist<Bought>(document, variables));
    const again = hangsUp ? idsOf(await insist<Bought>(document, variables)) : ids;
    return orders.map((order, i) => {
      const id = ids[i];
      if (!id) throw new Error(`an order was refused: ${JSON.stringify(variables)}`);
      if (again[i] !== id) complaints.push(`${order.idempotencyKey} had two answers`);
      return { order, id, canceled: null };
    });
  }

  function cancelAsPlanned(placed: Placed): Placed | Promise<Placed> {
    const { cancelAfterMs } = placed.order;
    return cancelAfterMs === null ? placed : cancel(placed, cancelAfterMs);
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

/** Of one of the two. */
interface Bought {
  createGeneration?: Created;
  createGenerations?: { results: Created[] };
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

function toOperation(orders: readonly Order[], references: Record<'http' | 'https', string>): [string, object] {
  const inputs = orders.map(({ idempotencyKey, prompt, input, reference }) => {
    const from = reference ? { references: [{ uri: references[reference] }] } : {};
    return { ...input, ...from, prompt, idempotencyKey };
  });
  return inputs.length === 1 ? [CREATE, { input: inputs[0] }] : [CREATE_MANY, { inputs }];
}

function idsOf({ createGeneration, createGenerations }: Bought): (string | undefined)[] {
  const results = createGenerations?.results ?? [createGeneration];
  return results.map((each) => each?.generation?.id);
}

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
