import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { FailureCode } from '../../src/generation/failure-code.ts';
import type { PollReport, SubmitReport } from '../../src/generation/provider-report.ts';
import { createStandings, type Standings } from '../../src/generation/standings.ts';
import { type Breaker, createBreaker, PAUSES } from '../../src/worker/breaker.ts';
import { sampleImages, sampleTrouble } from '../generation/samples.ts';
import { openStage, type Stage } from '../generation/stage.ts';
import { createFake, pending } from './fake.ts';

const kites = createFake(() => pending);
const accepted: SubmitReport = { kind: 'ACCEPTED', providerTaskId: 'theirs', credits: null, etaSeconds: null };
const lost: SubmitReport = { kind: 'AMBIGUOUS', failure: sampleTrouble({ code: 'OUTCOME_UNKNOWN' }) };
const refused: SubmitReport = { kind: 'REFUSED', failure: sampleTrouble({ code: 'PROVIDER_REJECTED' }) };
const OK = { ok: true, trial: null };
const MAY_TRY = { ok: true, trial: expect.any(String) };

function notNow(code: FailureCode, retryAfterMs: number | null = null): SubmitReport {
  return { kind: 'NOT_NOW', failure: sampleTrouble({ code }), retryAfterMs };
}

function silent(code: FailureCode): PollReport {
  return { kind: 'SILENT', failure: sampleTrouble({ code }), retryAfterMs: null };
}

/** What one process knows. */
interface Process {
  breaker: Breaker;
  standings: Standings;
}

let stage: Stage;
let processes: [Process, Process];
beforeAll(async () => {
  stage = await openStage();
});
beforeEach(async () => {
  await stage.clear();
  processes = [await startProcess(), await startProcess()];
});
afterAll(() => stage.close());

async function startProcess(): Promise<Process> {
  const standings = createStandings(stage.domain);
  // As long for the sandbox as for the real ones.
  const pauses = { ...PAUSES, TEST: PAUSES.LIVE };
  return { standings, breaker: createBreaker(stage.domain, standings, pauses) };
}

/** Both have looked, as each does every second. */
async function look(): Promise<void> {
  await Promise.all(processes.map(({ standings }) => standings.refresh()));
}

async function tell(
  reports: readonly (SubmitReport | PollReport)[],
  process = processes[0],
  trial: string | null = null,
): Promise<void> {
  for (const report of reports) await process.breaker.heard(kites, report, trial);
}

interface State {
  openings: number;
  code: FailureCode | null;
  reason: string | null;
  /** For how many more seconds; null: it is closed. */
  seconds: number | null;
}

async function readState(): Promise<State | undefined> {
  const [row] = await stage.domain.db.execute<State & Record<string, unknown>>(sql`
    select openings, open_code as code, open_reason as reason,
      round(extract(epoch from open_until - clock_timestamp()))::int as seconds from provider_states`);
  return row;
}

/** The trial that it was given. */
async function tryIt({ breaker }: Process, provider = kites): Promise<string> {
  const may = await breaker.mayTry(provider);
  expect(may).toEqual(MAY_TRY);
  return (may.ok && may.trial) || '';
}

async function passPause(): Promise<void> {
  await stage.domain.db.execute(sql`update provider_states set open_until = clock_timestamp()`);
  await look();
}

test('five submissions in a row that fail open it for every process, and none is sent until the pause is over', async () => {
  await tell([lost, notNow('PROVIDER_UNREACHABLE'), lost, lost]);
  expect(await readState()).toBeUndefined();
  await tell([lost]);
  expect(await readState()).toEqual({
    openings: 1,
    code: 'PROVIDER_ERROR',
    reason:
      'Kites (TEST): it answers with errors or not at all. Look at its status page; what was sent may have been accepted.',
    seconds: 30,
  });
  await processes[1].standings.refresh();
  for (const { breaker } of processes) {
    const { failure, delayMs } = (await breaker.mayTry(kites)) as Extract<
      Awaited<ReturnType<Breaker['mayTry']>>,
      { ok: false }
    >;
    expect(failure).toEqual({
      code: 'PROVIDER_ERROR',
      message: 'Kites answers with errors or not at all, so nothing is sent to it for now.',
      billed: 'NO',
      retryable: true,
      providerCode: null,
      providerMessage: null,
    });
    expect(delayMs).toBeGreaterThan(25_000);
    expect(delayMs).toBeLessThanOrEqual(30_000);
  }
  const live = createFake(() => pending, { mode: 'LIVE' });
  expect(await processes[1].breaker.mayTry(live)).toEqual(OK);
});

test.each<[string, SubmitReport[]]>([
  ['an order that it takes between two failures', [lost, lost, lost, lost, accepted, lost, lost, lost, lost]],
  ['orders that it refuses for what they are', Array(20).fill(refused)],
  ['a few that it has no time for', Array(9).fill(notNow('RATE_LIMITED'))],
  ['what failed at our side', Array(20).fill(notNow('INTERNAL'))],
])('%s: it stays closed', async (_, reports) => {
  await tell(reports);
  expect(await readState()).toBeUndefined();
});

test.each<[string, SubmitReport, Omit<State, 'openings'>]>([
  [
    'a key that is refused',
    notNow('PROVIDER_REJECTED', 30_000),
    {
      code: 'PROVIDER_REJECTED',
      reason: 'Kites (TEST): the key is refused. Set SANDBOX_URL to one that it takes, and restart.',
      seconds: 30,
    },
  ],
  [
    'credits that are used up',
    notNow('PROVIDER_CREDITS_EXHAUSTED', 45_000),
    {
      code: 'PROVIDER_CREDITS_EXHAUSTED',
      reason: 'Kites (TEST): the credits are used up. Top up the account; work goes on by itself.',
      seconds: 45,
    },
  ],
])('%s opens it at once', async (_, report, state) => {
  await tell([report]);
  expect(await readState()).toEqual({ openings: 1, ...state });
});

test('of one that works on few at a time as many in a row, for those that are lost keep their places', async () => {
  const few = createFake(() => pending, { limits: { concurrency: 2, requestsPerMinute: null, batch: null } });
  const { breaker } = processes[0];
  await breaker.heard(few, lost);
  expect(await readState()).toBeUndefined();
  await breaker.heard(few, lost);
  expect(await readState()).toMatchObject({ openings: 1, seconds: 30 });
  // As its tier says, where that is known.
  await stage.clear();
  const limits = { concurrency: 9, requestsPerMinute: null, batch: null };
  await stage.domain.db.execute(
    sql`insert into provider_states (provider, mode, tier) values ('kites', 'TEST', 'pro')`,
  );
  const many = { ...few, limitsOf: (tier: string) => (tier === 'pro' ? limits : null) };
  const one = await startProcess();
  await one.standings.refresh();
  for (let i = 0; i < 4; i += 1) await one.breaker.heard(many, lost);
  expect(await readState()).toMatchObject({ openings: 0, seconds: null });
  await one.breaker.heard(many, lost);
  expect(await readState()).toMatchObject({ openings: 1 });
});

test('ten in a row that it has no time for open it for as long as it asks for', async () => {
  await tell(Array(10).fill(notNow('RATE_LIMITED', 90_000)));
  expect(await readState()).toMatchObject({ code: 'RATE_LIMITED', seconds: 90 });
});

test('polls that are not answered open it when there are many of them, polls it answers with 404 or 429 do not', async () => {
  const missing: PollReport = { kind: 'MISSING', failure: sampleTrouble() };
  await tell([...Array(60).fill(missing), ...Array(60).fill(silent('RATE_LIMITED')), ...Array(29).fill(pending)]);
  await tell(Array(29).fill(silent('PROVIDER_ERROR')), processes[1]);
  expect(await readState()).toBeUndefined();
  await tell([silent('PROVIDER_UNREACHABLE')], processes[1]);
  expect(await readState()).toMatchObject({
    code: 'PROVIDER_UNREACHABLE',
    reason: 'Kites (TEST): it cannot be reached. Look at its status page, at the network from here and at SANDBOX_URL.',
  });
});

test('what is heard from before it was opened, here or elsewhere, opens and closes nothing', async () => {
  await tell(Array(5).fill(lost));
  await tell([...Array(12).fill(lost), accepted]);
  await tell([notNow('PROVIDER_CREDITS_EXHAUSTED')], processes[1]);
  expect(await readState()).toMatchObject({ openings: 1, code: 'PROVIDER_ERROR', seconds: 30 });
});

test('after the pause one submission of all processes tries it; if it is taken, it is closed for all', async () => {
  await tell(Array(5).fill(lost));
  await passPause();
  const asked = processes.flatMap(({ breaker }) => Array.from({ length: 5 }, () => breaker.mayTry(kites)));
  const given = await Promise.all(asked);
  const [trial, ...more] = given.flatMap((may) => (may.ok ? [may.trial] : []));
  expect([trial, more]).toEqual([expect.any(String), []]);
  const isFirst = given.findIndex(({ ok }) => ok) < 5;
  const [trier, other] = isFirst ? processes : processes.toReversed();
  // Of submissions from before: they end no trial, here or elsewhere.
  for (const each of [trier, other]) await tell([accepted, lost, lost, lost, lost], each);
  expect(await readState()).toMatchObject({ openings: 1, seconds: 120 });
  await tell([accepted], trier, trial);
  expect(await readState()).toEqual({ openings: 0, code: null, reason: null, seconds: null });
  for (const { breaker } of processes) expect(await breaker.mayTry(kites)).toEqual(OK);
  // Anew, not one failure later.
  await look();
  for (const each of processes) await tell([lost, lost, lost, lost], each);
  expect(await readState()).toMatchObject({ seconds: null });
});

test('each trial that fails makes the pause twice as long, up to ten minutes', async () => {
  await tell([notNow('PROVIDER_REJECTED')]);
  const pauses: (number | null | undefined)[] = [(await readState())?.seconds];
  for (let i = 0; i < 6; i += 1) {
    await passPause();
    const [process] = i % 2 === 0 ? processes : [processes[1]];
    await tell([notNow('PROVIDER_REJECTED')], process, await tryIt(process));
    pauses.push((await readState())?.seconds);
  }
  expect(pauses).toEqual([30, 60, 120, 240, 480, 600, 600]);
});

test('a trial that is not made is for another, and one of which nothing is heard is over after two minutes, or six where the answer is the images', async () => {
  await tell([notNow('PROVIDER_REJECTED')]);
  await passPause();
  const [one, other] = processes;
  const trial = await tryIt(one);
  // Not as long as the trial may take: the pause after it may be shorter.
  expect(await other.breaker.mayTry(kites)).toMatchObject({ ok: false, delayMs: 30_000 });
  // It had no trial to give back.
  await other.breaker.notTried(kites, null);
  expect((await readState())?.seconds).toBe(120);
  await one.breaker.notTried(kites, trial);
  expect(await other.breaker.mayTry(kites)).toEqual(MAY_TRY);
  expect(await one.breaker.mayTry(kites)).toMatchObject({ ok: false, failure: { code: 'PROVIDER_REJECTED' } });
  await passPause();
  expect(await one.breaker.mayTry(createFake(() => pending, { isSynchronous: true }))).toEqual(MAY_TRY);
  expect((await readState())?.seconds).toBe(360);
});

test('the images of a synchronous provider are the answer to its submission, those of another only to a poll', async () => {
  const finished = { kind: 'FINISHED', images: sampleImages(1), credits: null } as const;
  const direct = createFake(() => pending, { isSynchronous: true });
  const { breaker } = processes[0];
  await tell([lost, lost, lost, lost, finished, lost]);
  expect(await readState()).toMatchObject({ openings: 1 });
  await passPause();
  const trial = await tryIt(processes[0]);
  await tell([finished], processes[0], trial);
  expect(await readState()).toMatchObject({ openings: 1, seconds: 120 });
  await breaker.heard(direct, finished, trial);
  expect(await readState()).toMatchObject({ openings: 0, seconds: null });
});

test('a trial that took too long changes nothing, however it ends: another was made meanwhile', async () => {
  const [one, other] = processes;
  await tell([notNow('PROVIDER_REJECTED')]);
  await passPause();
  const late = await tryIt(one);
  await passPause();
  await tell([lost], other, await tryIt(other));
  const open = { openings: 2, seconds: 60 };
  expect(await readState()).toMatchObject(open);
  await one.breaker.notTried(kites, late);
  await tell([accepted, lost], one, late);
  expect(await readState()).toMatchObject(open);
  await passPause();
  await tell([accepted], other, await tryIt(other));
  await tell([lost], one, late);
  expect(await readState()).toMatchObject({ openings: 0, seconds: null });
});

test('a key that was refused is tried at the next start, no outage is', async () => {
  await tell([notNow('PROVIDER_REJECTED')]);
  await look();
  await processes[1].breaker.start();
  expect(await tryIt(processes[0])).not.toBe('');
  // While it is being tried it is not tried again.
  await processes[1].breaker.start();
  expect(await processes[1].breaker.mayTry(kites)).toMatchObject({ ok: false });
  await stage.domain.db.execute(sql`update provider_states set trial = null, open_code = 'PROVIDER_UNREACHABLE'`);
  await processes[1].breaker.start();
  expect((await readState())?.seconds).toBe(120);
});

test('a database that is away keeps no answer from being dealt with', async () => {
  const { domain, connection } = await stage.another();
  const breaker = createBreaker(domain, createStandings(domain));
  await connection.stop();
  await breaker.heard(kites, notNow('PROVIDER_REJECTED'));
  expect(await breaker.mayTry(kites)).toEqual(OK);
  expect(await readState()).toBeUndefined();
});
