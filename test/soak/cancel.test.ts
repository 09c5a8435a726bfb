import { afterAll, beforeAll, expect, test } from 'vitest';
import { listCharges, only, query } from '../service/client.ts';
import { type Service, startService } from '../service/service.ts';
import { until } from '../service/until.ts';

const GENERATIONS = 50;
const FINAL = ['SUCCEEDED', 'PARTIALLY_SUCCEEDED', 'FAILED', 'CANCELED'];

interface Seen {
  id: string;
  status: string;
  cancelability: string;
  failure: { code: string; billed: string } | null;
  cost: { basis: string };
  slots: { asset: { state: string } | null }[];
  tasks: { status: string; providerTaskId: string | null; failure: { billed: string } | null }[];
}

interface Told {
  type: string;
  status: string;
  version: number;
}

const SEEN = `id status cancelability failure { code billed } cost { basis } slots { asset { state } }
  tasks { status providerTaskId failure { billed } }`;

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service?.stop());

test('50 cancels racing with completion: each generation has one end, it is the one that was answered, and money follows it', async () => {
  // Each takes a little longer than the one before, the last ones for ever; the picture is drawn from what is outside of
  // the brackets.
  const slow = (i: number) => (i < GENERATIONS - 5 ? 0.2 + i * 0.05 : 600);
  const ids = await order(Array.from({ length: GENERATIONS }, (_, i) => `A raft [[slow=${slow(i)}]]`));
  // Amid it all: some are over, some are being stored, some are being made.
  await untilOver(ids, 3);
  const answers = await Promise.all(ids.map(cancel));
  await untilOver(ids, GENERATIONS);

  const all = await readAll(ids);
  expect(all.map(({ status }) => status)).toEqual(answers.map((code) => (code === null ? 'CANCELED' : 'SUCCEEDED')));
  expect(new Set(answers)).toEqual(new Set([null, 'NOT_CANCELABLE']));
  const charged = await listCharged();
  for (const { status, failure, cost, slots, tasks } of all) {
    const { providerTaskId, status: taskStatus } = only(tasks);
    expect(taskStatus).toBe(status);
    if (status === 'SUCCEEDED') {
      expect([failure, only(slots).asset, charged.has(providerTaskId)]).toEqual([null, { state: 'STORED' }, true]);
    } else {
      expect(failure?.code).toBe('CANCELED');
      expect(failure?.billed === 'NO').toBe(cost.basis === 'REFUNDED');
      if (charged.has(providerTaskId)) expect(failure?.billed).not.toBe('NO');
    }
  }
  for (const [i, log] of (await Promise.all(ids.map(readLog))).entries()) {
    expect(log.map(({ version }) => version)).toEqual(log.map((_, at) => at + 1));
    expect(log.filter(({ type }) => type === 'GENERATION_FINISHED')).toHaveLength(1);
    const ended = log.slice(log.findIndex(({ status }) => FINAL.includes(status)));
    expect(new Set(ended.map(({ status }) => status))).toEqual(new Set([all[i]?.status]));
  }
}, 60_000);

test('what no provider took is canceled for nothing, what was sent may be billed, and each says so before and after', async () => {
  const ids = await order(['A raft [[no-credits]]', 'A raft [[stuck]]']);
  const before = await until(
    () => readAll(ids),
    ([turnedAway, sent]) => !!turnedAway?.tasks[0]?.failure && !!sent?.tasks[0]?.providerTaskId,
  );
  expect(before.map(({ cancelability }) => cancelability)).toEqual(['FREE', 'MAY_BE_BILLED']);
  expect(await Promise.all([...ids, ...ids].map(cancel))).toEqual([null, null, null, null]);
  expect(await readAll(ids)).toMatchObject([
    { status: 'CANCELED', cancelability: 'IMPOSSIBLE', failure: { billed: 'NO' }, cost: { basis: 'REFUNDED' } },
    { status: 'CANCELED', cancelability: 'IMPOSSIBLE', failure: { billed: 'UNKNOWN' }, cost: { basis: 'UNKNOWN' } },
  ]);
});

async function order(prompts: string[]): Promise<string[]> {
  const document = `mutation($inputs: [CreateGenerationInput!]!) {
    createGenerations(inputs: $inputs) { results { generation { id } } }
  }`;
  const inputs = prompts.map((prompt) => ({ prompt, idempotencyKey: prompt }));
  const answer = await ask<{ createGenerations: { results: { generation: { id: string } }[] } }>(document, { inputs });
  return answer.createGenerations.results.map(({ generation }) => generation.id);
}

/** The code of what stood against it; null when it is canceled. */
async function cancel(id: string): Promise<string | null> {
  const document = 'mutation($id: ID!) { cancelGeneration(id: $id) { errors { code } } }';
  const { cancelGeneration } = await ask<{ cancelGeneration: { errors: { code: string }[] } }>(document, { id });
  return cancelGeneration.errors[0]?.code ?? null;
}

/** Waits until so many are final. */
function untilOver(ids: string[], least: number): Promise<number> {
  const document = 'query($ids: [ID!]!) { nodes(ids: $ids) { ... on Generation { status } } }';
  const count = async () => {
    const { nodes } = await ask<{ nodes: { status: string }[] }>(document, { ids });
    return nodes.filter(({ status }) => FINAL.includes(status)).length;
  };
  return until(count, (over) => over >= least, 25_000);
}

async function readAll(ids: string[]): Promise<Seen[]> {
  const document = `query($ids: [ID!]!) { nodes(ids: $ids) { ... on Generation { ${SEEN} } } }`;
  return (await ask<{ nodes: Seen[] }>(document, { ids })).nodes;
}

async function readLog(id: string): Promise<Told[]> {
  const document =
    'query($id: ID!) { generation(id: $id) { events(first: 100) { edges { node { type status version } } } } }';
  const { generation } = await ask<{ generation: { events: { edges: { node: Told }[] } } }>(document, { id });
  return generation.events.edges.map(({ node }) => node);
}

/** All that is asked here may be sent again, as a client would do after UNAVAILABLE. */
async function ask<T>(document: string, variables: Record<string, unknown>): Promise<T> {
  const { data } = await until(
    () => query<T | null>(service.url, document, variables),
    (answer) => answer.data !== null || answer.errors[0]?.extensions.code !== 'UNAVAILABLE',
  );
  if (data === null) throw new Error(`no data for ${document}`);
  return data;
}

async function listCharged(): Promise<Set<string | null>> {
  return new Set((await listCharges(service.sandboxUrl)).map(({ taskId }) => taskId));
}
