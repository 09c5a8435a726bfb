import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { expect, onTestFinished, test } from 'vitest';
import { createTestDatabase } from '../database.ts';
import { type ChildService, startChild, startSandboxChild } from './child.ts';
import { bearer, GENERATION, type Generation, only, query, TEST_KEY } from './client.ts';
import { makeFolder } from './folder.ts';
import { SECRET } from './service.ts';
import { until } from './until.ts';

const GENERATIONS = 50;
const KILLS = 10;
/** A process that dies must have had the time to do something, and not the time to be done with everything. */
const LONGEST_LIFE_MS = 1_200;

const CREATE_ALL = `mutation($inputs: [CreateGenerationInput!]!) {
  createGenerations(inputs: $inputs) { results { generation { id } errors { message } } }
}`;

test('killed ten times at random moments, the service loses none of fifty generations and buys none twice', async () => {
  const seed = Number(process.env.CRASH_SEED ?? Math.floor(Math.random() * 2 ** 31));
  process.stdout.write(`crash.test.ts: CRASH_SEED=${seed}\n`);
  const random = randomOf(seed);
  const sandbox = await startSandboxChild();
  const env = await environment(sandbox.url);

  let service = await startChild(env);
  // The two kinds of moment that matter most are early: between the intents and the submits, and amid the submits.
  const inputs = Array.from({ length: GENERATIONS }, (_, i) => ({
    // The picture is drawn from what is outside of the brackets: ten different ones are enough.
    prompt: `Boat ${i % 10} [[slow=1]] [[no-callback=${i}]]`,
    idempotencyKey: `boat ${i}`,
  }));
  const ids: string[] = [];
  const moments: string[] = [];
  const unanswered = new Set<string>();
  for (let kill = 0; kill < KILLS; kill++) {
    // A few more for each life, so that there is always something about to be sent.
    ids.push(...(await createAll(service, inputs.splice(0, GENERATIONS / KILLS))));
    // Not a wait for something: the moment itself is what is random.
    await sleep(random() * LONGEST_LIFE_MS);
    service.kill('SIGKILL');
    expect(await service.ended).toBe('SIGKILL');
    moments.push(await statusesOf(env.DATABASE_URL));
    service = await startChild(env);
    for (const id of await listUnanswered(env.DATABASE_URL)) unanswered.add(id);
  }
  process.stdout.write(`crash.test.ts: at the kills, tasks were\n  ${moments.join('\n  ')}\n`);

  const generations = await until(
    () => readAll(service, ids),
    (all) => all.every(({ finishedAt }) => finishedAt !== null),
    30_000,
  );
  expect(generations.map(({ id }) => id)).toEqual(ids);
  const succeeded = generations.filter(({ status }) => status === 'SUCCEEDED');
  const unknown = generations.filter(({ failure }) => failure?.code === 'OUTCOME_UNKNOWN');
  process.stdout.write(`crash.test.ts: ${succeeded.length} SUCCEEDED, ${unknown.length} OUTCOME_UNKNOWN\n`);
  expect(succeeded.length + unknown.length).toBe(GENERATIONS);
  expect(succeeded.length).toBeGreaterThan(0);
  expect(unknown.map(({ id }) => id).filter((id) => !unanswered.has(id))).toEqual([]);

  const billed = await listBilled(sandbox.url);
  expect(billed).toEqual([...new Set(billed)]);
  const accepted = unknown.map(({ prompt }) => prompt).filter((prompt) => billed.includes(prompt));
  expect(billed.toSorted()).toEqual([...succeeded.map(({ prompt }) => prompt), ...accepted].toSorted());

  for (const { assets } of succeeded) {
    const { url, sha256 } = only(assets);
    const response = await fetch(url?.uri ?? '');
    const bytes = Buffer.from(await response.arrayBuffer());
    expect([response.status, createHash('sha256').update(bytes).digest('hex')]).toEqual([200, sha256]);
  }
}, 90_000);

async function environment(sandboxUrl: string): Promise<Record<string, string> & { DATABASE_URL: string }> {
  const folder = await makeFolder();
  const database = await createTestDatabase();
  // Called in the reverse order: the service that runs last is ended first.
  onTestFinished(database.drop);
  onTestFinished(folder.remove);
  return {
    DATA_DIR: folder.path,
    DATABASE_URL: database.url,
    SANDBOX_URL: sandboxUrl,
    SECRET_KEYS: SECRET,
    BOOTSTRAP_API_KEY: TEST_KEY,
    LEASE_MS: '1000',
    UNCERTAIN_HOLD_MS: '1500',
  };
}

async function createAll({ url }: ChildService, inputs: object[]): Promise<string[]> {
  type Results = { createGenerations: { results: { generation: { id: string } }[] } };
  const { data } = await query<Results>(url, CREATE_ALL, { inputs }, bearer(TEST_KEY));
  return data.createGenerations.results.map(({ generation }) => generation.id);
}

async function readAll({ url }: ChildService, ids: string[]): Promise<Generation[]> {
  const document = `query($ids: [ID!]!) { nodes(ids: $ids) { ...Whole } } ${GENERATION}`;
  return (await query<{ nodes: Generation[] }>(url, document, { ids })).data.nodes;
}

async function listBilled(sandboxUrl: string): Promise<string[]> {
  const charges = (await (await fetch(`${sandboxUrl}/_billing`)).json()) as { prompt: string }[];
  return charges.map(({ prompt }) => prompt);
}

/** What a kill interrupted: how many tasks in each status. */
async function statusesOf(databaseUrl: string): Promise<string> {
  const sql = postgres(databaseUrl, { max: 1 });
  const rows = await sql`select status, count(*)::int as tasks from tasks group by status order by status`;
  await sql.end();
  return rows.map(({ status, tasks }) => `${tasks} ${status}`).join(', ');
}

/** Which generations have a task that was being sent when its process died. */
async function listUnanswered(databaseUrl: string): Promise<string[]> {
  const sql = postgres(databaseUrl, { max: 1 });
  const rows = await sql`select generation_id from tasks where status in ('SUBMITTING', 'UNCERTAIN')`;
  await sql.end();
  return rows.map((row) => row.generation_id);
}

/** mulberry32: the same numbers for the same seed. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
