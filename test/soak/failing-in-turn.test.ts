import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PROVIDER_SLUGS } from '../../src/config/provider-slugs.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';
import { bearer, LIVE_KEY, listCharges, query } from '../service/client.ts';
import { type Service, startService } from '../service/service.ts';
import { until } from '../service/until.ts';
import { type DoorFault, type FailingDoor, openFailingDoor } from './failing-door.ts';

const GENERATIONS = 300;
/** Whoever is the first choice at that time has it. */
const FAULTS: DoorFault[] = ['no credits', 'outage', 'refused key', 'busy', 'lost answers', 'outage'];
/** What a fault is called where tasks and the operator are told of it. */
const CODES: Record<DoorFault, string> = {
  'no credits': 'PROVIDER_CREDITS_EXHAUSTED',
  outage: 'PROVIDER_UNREACHABLE',
  'refused key': 'PROVIDER_REJECTED',
  busy: 'RATE_LIMITED',
  'lost answers': 'PROVIDER_ERROR',
};
const REASONS: Record<DoorFault, string> = {
  'no credits': 'the credits are used up. Top up the account',
  outage: 'it cannot be reached. Look at its status page',
  'refused key': 'the key is refused. Set ',
  busy: 'it turns requests away again and again',
  'lost answers': 'it answers with errors or not at all',
};
const CHOICE =
  /^(best balance of price, time and success that fits|first that fits, no price or time is known|the only one that fits)$/;
/** What was on its way when the others were told. */
const GRACE_MS = 2_000;
/** A little longer than it is left alone. */
const PAUSE_MS = 31_000;
const PATIENCE_MS = 150_000;

let sandbox: Sandbox;
let doors: FailingDoor[];
let service: Service;
/** LIVE, because only so each provider has an address of its own that can be away. */
beforeAll(async () => {
  sandbox = await startSandbox({ port: 0 });
  doors = await Promise.all(PROVIDER_SLUGS.map((slug) => openFailingDoor(slug, sandbox.url)));
  const live = doors.map(({ slug, url }) => [
    [`${slug.toUpperCase()}_API_KEY`, 'sandbox-of-the-soak'],
    [`${slug.toUpperCase()}_BASE_URL`, url],
  ]);
  service = await startService({
    ...Object.fromEntries(live.flat()),
    SEEDANCE_WEBHOOK_SECRET: 'sandbox-webhook-secret',
    FETCH_ALLOWED_HOSTS: doors.map(({ host }) => host).join(','),
    PROVIDER_REQUESTS_PER_MINUTE: 'modelark=6000,threedaistudio=6000,seedance=6000',
    PROVIDER_CONCURRENCY: 'modelark=1000,seedance=1000',
    UNCERTAIN_HOLD_MS: '2000',
    POLL_FIRST_MS: '300',
    POLL_FAST_MS: '400',
    POLL_SLOW_MS: '400',
  });
});
afterAll(async () => {
  await service?.stop();
  await Promise.all((doors ?? []).map((door) => door.stop()));
  await sandbox?.stop();
});

test('300 generations end while six providers fail in turn: none is billed twice, each task says why it went where it went, and nobody who is open is asked', async () => {
  const watching = watchHealth();
  const failed: { slug: string; fault: DoorFault }[] = [];
  const ids: string[] = [];
  for (const [turn, fault] of FAULTS.entries()) {
    const slug = await findFirstChoice();
    failed.push({ slug, fault });
    await doorOf(slug).fail(fault);
    const placing = order(turn, GENERATIONS / FAULTS.length);
    const isOpen = (samples: Sample[]) => samples.some((each) => each.slug === slug && each.state === 'OPEN');
    const since = watching.samples.length;
    await until(() => watching.samples.slice(since), isOpen, PATIENCE_MS);
    await doorOf(slug).fail(null);
    ids.push(...(await placing));
  }
  await until(countUnfinished, (count) => count === 0, PATIENCE_MS);
  const generations = await readAll(ids);
  const samples = await watching.stop();

  expect(generations).toHaveLength(GENERATIONS);
  const ends = generations.map(({ status, failure }) => [status, failure?.code].join(' '));
  expect(ends.filter((end) => end !== 'SUCCEEDED ' && end !== 'FAILED OUTCOME_UNKNOWN')).toEqual([]);
  expect(new Set(failed.map(({ slug }) => slug)).size).toBeGreaterThan(3);

  const charges = await listCharges(sandbox.url);
  expect(repeated(charges.map(({ prompt }) => prompt))).toEqual([]);
  const billed = new Set(charges.filter(({ refunded }) => !refunded).map(({ prompt }) => prompt));
  const unpaid = generations.filter(({ status, prompt }) => status === 'SUCCEEDED' && !billed.has(prompt));
  expect([unpaid, billed.size]).toEqual([[], charges.length]);

  expect(generations.flatMap((generation) => findUnexplained(generation, failed))).toEqual([]);
  expect(generations.some(({ tasks }) => tasks.length > 1)).toBe(true);
  expect(doors.flatMap((door) => findAskedWhileOpen(door, samples))).toEqual([]);
  const told = service.logged.map(({ msg }) => msg);
  const nameOf = (slug: string) => samples.find((each) => each.slug === slug)?.name;
  const reasons = failed.map(({ slug, fault }) => `${nameOf(slug)} (LIVE): ${REASONS[fault]}`);
  const untold = reasons.filter((reason) => !told.some((msg) => msg.startsWith(reason)));
  expect(untold).toEqual([]);
}, 240_000);

interface Sample {
  at: number;
  slug: string;
  name: string;
  state: string;
  openUntil: string | null;
}

interface Ended {
  id: string;
  prompt: string;
  status: string;
  failure: { code: string } | null;
  tasks: { attempt: number; routeReason: string; provider: { slug: string }; failure: { code: string } | null }[];
}

function doorOf(slug: string): FailingDoor {
  const door = doors.find((each) => each.slug === slug);
  if (!door) throw new Error(`there is no ${slug}`);
  return door;
}

async function ask<T>(document: string, variables: Record<string, unknown> = {}): Promise<T> {
  const { data, text } = await query<T>(service.url, document, variables, bearer(LIVE_KEY));
  expect(data, text).toBeTruthy();
  return data;
}

async function findFirstChoice(): Promise<string> {
  const { quote } = await ask<{ quote: { routes: { chosen: boolean; provider: { slug: string } }[] } }>(
    '{ quote(input: { prompt: "Boat" }) { routes { chosen provider { slug } } } }',
  );
  return quote.routes.find(({ chosen }) => chosen)?.provider.slug ?? '';
}

async function order(turn: number, count: number): Promise<string[]> {
  const document = `mutation($inputs: [CreateGenerationInput!]!) {
    createGenerations(inputs: $inputs) { results { generation { id } } }
  }`;
  // What a picture shows is outside of the brackets: one is drawn for all.
  const inputs = Array.from({ length: count }, (_, i) => ({ prompt: `Boat [[slow=0.${300 + turn * count + i}]]` }));
  const { createGenerations } = await ask<{ createGenerations: { results: { generation: { id: string } }[] } }>(
    document,
    { inputs },
  );
  return createGenerations.results.map(({ generation }) => generation.id);
}

async function countUnfinished(): Promise<number> {
  await sleep(200);
  const { generations } = await ask<{ generations: { edges: unknown[] } }>(
    '{ generations(first: 100, filter: { status: [QUEUED, RUNNING] }) { edges { cursor } } }',
  );
  return generations.edges.length;
}

async function readAll(ids: readonly string[]): Promise<Ended[]> {
  const document = `query($ids: [ID!]!) { nodes(ids: $ids) { ... on Generation {
    id prompt status failure { code } tasks { attempt routeReason provider { slug } failure { code } }
  } } }`;
  const parts = Array.from({ length: Math.ceil(ids.length / 50) }, (_, i) => ids.slice(i * 50, i * 50 + 50));
  const read = await Promise.all(parts.map((some) => ask<{ nodes: Ended[] }>(document, { ids: some })));
  return read.flatMap(({ nodes }) => nodes);
}

/** How everybody is doing, some four times a second. */
function watchHealth(): { samples: Sample[]; stop(): Promise<Sample[]> } {
  const samples: Sample[] = [];
  let stopping = false;
  const watching = (async () => {
    for (; !stopping; await sleep(250)) {
      const at = Date.now();
      const { providers } = await ask<{
        providers: { slug: string; name: string; health: Pick<Sample, 'state' | 'openUntil'> }[];
      }>('{ providers { slug name health { state openUntil } } }');
      samples.push(...providers.map(({ health, ...provider }) => ({ at, ...provider, ...health })));
    }
  })();
  // Nobody looks any more when something else has failed.
  watching.catch(() => {});
  return {
    samples,
    async stop() {
      stopping = true;
      await watching;
      return samples;
    },
  };
}

/** The tasks whose reasons are not what happened. */
function findUnexplained({ prompt, tasks }: Ended, failed: readonly { slug: string; fault: DoorFault }[]): string[] {
  const hasFailed = (slug: string, code: string) =>
    failed.some((each) => each.slug === slug && CODES[each.fault] === code);
  return tasks.flatMap(({ attempt, routeReason }) => {
    const before = tasks.find((task) => task.attempt === attempt - 1);
    const { code = '' } = before?.failure ?? {};
    const prefix = before ? `fallback after ${code} at ${before.provider.slug}: ` : '';
    const [choice = '', ...notes] = routeReason.slice(prefix.length).split('; ');
    const passedOver = notes.flatMap((note) => [...note.matchAll(/(\w+) \((\w+)\)/g)]);
    const isRight =
      routeReason.startsWith(prefix) &&
      CHOICE.test(choice) &&
      (!before || hasFailed(before.provider.slug, code)) &&
      passedOver.every(([, slug = '', why = '']) => hasFailed(slug, why));
    return isRight ? [] : [`${prompt}: ${routeReason}`];
  });
}

/** Pauses in which something was sent, or after which more than the one trial was, before that had its answer. */
function findAskedWhileOpen({ slug, submits }: FailingDoor, samples: readonly Sample[]): string[] {
  const pauses = new Map<number, number>();
  for (const { at, openUntil, ...sample } of samples) {
    const until = Date.parse(openUntil ?? '');
    // While it is being tried it is open for longer than that.
    if (sample.slug === slug && until - at < PAUSE_MS && !pauses.has(until)) pauses.set(until, at + GRACE_MS);
  }
  return [...pauses].flatMap(([until, began]) => {
    const early = submits.filter(({ at }) => at > began && at < until);
    const [trial, ...others] = submits.filter(({ at }) => at >= until);
    const isAlone = others.every(({ at }) => trial?.answeredAt && at >= trial.answeredAt);
    return early.length === 0 && isAlone ? [] : [`${slug}: ${early.length} in its pause, alone on trial: ${isAlone}`];
  });
}

function repeated(items: readonly string[]): string[] {
  return [...new Set(items.filter((item, i) => items.indexOf(item) !== i))];
}
