import { randomUUID } from 'node:crypto';
import sharp from 'sharp';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createGuardedFetch } from '../../src/fetch/guarded-fetch.ts';
import { askLeave, openProvider } from '../../src/generation/breaker-state.ts';
import { claimTasks } from '../../src/generation/claim.ts';
import type { Domain } from '../../src/generation/domain.ts';
import type { CreateInput } from '../../src/generation/input.ts';
import { UNKNOWN_STANDING } from '../../src/generation/standing.ts';
import type { Task } from '../../src/generation/types.ts';
import type { Provider } from '../../src/provider/provider.ts';
import { createBreaker } from '../../src/worker/breaker.ts';
import { createDispatcher, type Dispatcher } from '../../src/worker/dispatch.ts';
import { createIdentity } from '../../src/worker/identity.ts';
import { createLimits } from '../../src/worker/limits.ts';
import { startFarSide } from '../fetch/far-side.ts';
import { the } from '../generation/reports.ts';
import { sampleExchange, sampleModel } from '../generation/samples.ts';
import { openStage, type Stage, taskOf } from '../generation/stage.ts';
import { createFake, pending } from './fake.ts';

const KITES = { provider: 'kites', mode: 'TEST' as const };
const LEASE_MS = 900;
const PICTURE = await sharp({ create: { width: 4, height: 4, channels: 3, background: 'teal' } })
  .png()
  .toBuffer();

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
beforeEach(() => stage.clear());
afterAll(() => stage.close());

test('a provider without a turn is known before references are fetched: what is put back for it costs no download', async () => {
  await using farSide = await startFarSide((_, res) => res.end(PICTURE));
  const limits = { concurrency: null, requestsPerMinute: 1, batch: null };
  const kites = createKites({ limits, resultHosts: [farSide.host] });
  await using desk = await openDesk(kites.provider);
  const references = (name: string) => ({ references: [{ uri: `${farSide.url}/${name}.png` }] });
  const [sent, turnless, later] = [
    await desk.claim(references('sent')),
    await desk.claim(references('turnless')),
    await desk.claim(references('later')),
  ];
  for (const task of [sent, turnless, later]) await desk.dispatcher.dispatch([task], signal);
  expect([farSide.seen, kites.sent]).toEqual([['/sent.png', '/turnless.png'], 1]);
  expect(desk.dispatcher.busy()).toEqual([KITES]);
  for (const { generationId, nextAt } of [turnless, later]) {
    const after = taskOf(await stage.reload(generationId));
    expect(after).toMatchObject({ status: 'QUEUED', submissionId: null, workerId: null, tries: 0, nextAt });
  }
});

test('a worker frozen past its lease between mark and send takes back what it marked: nothing leaves, and its trial is for another', async () => {
  const pause = { firstMs: 0, longestMs: 0, leastMs: 0 };
  const why = { code: 'PROVIDER_ERROR' as const, reason: 'It was away.' };
  await openProvider(stage.domain.db, KITES, why, pause, null);
  const kites = createKites();
  const marked: string[] = [];
  const freeze: Domain['reach'] = (at) => {
    if (at !== 'submit:marked') return;
    marked.push(at);
    // The whole process stands still, its heartbeat too.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LEASE_MS + 100);
  };
  const timing = { ...stage.domain.timing, leaseMs: LEASE_MS };
  await using desk = await openDesk(kites.provider, { reach: freeze, timing }, new Date());
  const task = await desk.claim();
  await desk.dispatcher.dispatch([task], signal);
  expect([marked, kites.sent]).toEqual([['submit:marked'], 0]);
  const after = taskOf(await stage.reload(task.generationId));
  expect(after).toMatchObject({ status: 'QUEUED', submissionId: null, workerId: null });
  expect(await askLeave(stage.domain.db, KITES, 1_000)).toMatchObject({ kind: 'TRIAL' });
});

const { signal } = new AbortController();

/** The provider `kites`, which takes all that it is sent, and counts it. */
function createKites(changes: Partial<Provider> = {}): { provider: Provider; sent: number } {
  const kites = { sent: 0 };
  const provider = createFake(() => pending, {
    models: [sampleModel()],
    async submit() {
      kites.sent += 1;
      const report = { kind: 'ACCEPTED', providerTaskId: randomUUID(), credits: null, etaSeconds: null } as const;
      return { report, exchange: sampleExchange() };
    },
    ...changes,
  });
  return Object.assign(kites, { provider });
}

interface Desk extends AsyncDisposable {
  dispatcher: Dispatcher;
  /** Orders one, and takes its task in hand. */
  claim(input?: Partial<CreateInput>): Promise<Task>;
}

/** A worker that sends only what it is handed. */
async function openDesk(
  provider: Provider,
  changes: Partial<Domain> = {},
  openUntil: Date | null = null,
): Promise<Desk> {
  const domain: Domain = { ...stage.domain, catalogue: [provider], ...changes };
  const identity = createIdentity(domain, () => {});
  const fetch = createGuardedFetch({ allowedHosts: [] });
  const standing = { ...UNKNOWN_STANDING, openUntil };
  const dispatcher = createDispatcher(domain, {
    providers: [provider],
    identity,
    callbackUrl: () => null,
    fetch,
    breaker: createBreaker(domain, { of: () => standing, refresh: async () => {} }),
    limits: createLimits(domain),
  });
  await identity.start();
  const caller = await stage.newCaller();
  return {
    dispatcher,
    async claim(input) {
      const { id } = await stage.create(caller, input);
      const tasks = await claimTasks(domain, { workerId: identity.id, statuses: ['QUEUED'], limit: 10 });
      return the(tasks.find(({ generationId }) => generationId === id));
    },
    async [Symbol.asyncDispose]() {
      await identity.stop();
      await fetch.stop();
    },
  };
}
