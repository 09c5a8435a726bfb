import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import type { Account } from '../../src/generation/provider.ts';
import { UNKNOWN_STANDING } from '../../src/generation/standing.ts';
import { createStandings, type Standings } from '../../src/generation/standings.ts';
import type { Provider } from '../../src/provider/provider.ts';
import { createAccountant } from '../../src/worker/account.ts';
import { batchLimit, createLimits } from '../../src/worker/limits.ts';
import { sampleModel } from '../generation/samples.ts';
import { openStage, type Stage } from '../generation/stage.ts';
import { until } from '../service/until.ts';
import { createFake, pending } from './fake.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
beforeEach(() => stage.clear());
afterAll(() => stage.close());

/** A provider that tells this of its account, and how often it was asked. */
function teller(told: () => Account | null, changes: Partial<Provider> = {}) {
  const asked = { times: 0 };
  const account = async () => {
    asked.times += 1;
    return told();
  };
  return { asked, provider: createFake(() => pending, { account, ...changes }) };
}

/** One worker's loop, which has looked once. */
async function lookOnce(provider: Provider): Promise<Standings> {
  const standings = createStandings(stage.domain);
  await standings.refresh();
  const limits = createLimits({ ...stage.domain, standingOf: standings.of });
  const accountant = createAccountant(stage.domain, [provider], limits, standings);
  accountant.start();
  onTestFinished(() => accountant.stop());
  await accountant.stop();
  await standings.refresh();
  return standings;
}

async function accountAt(): Promise<string | null | undefined> {
  const [row] = await stage.domain.db.execute<{ at: string | null }>(sql`
    select account_at::text as at from provider_states`);
  return row?.at;
}

const TOLD = { creditsRemaining: '12.5', tier: 'pro' };

test('what a provider tells of its account is known to all, and one worker asks every five minutes', async () => {
  const { asked, provider } = teller(() => TOLD);
  const seen = await Promise.all([lookOnce(provider), lookOnce(provider)]);
  const again = await lookOnce(provider);
  expect(asked.times).toBe(1);
  const standing = { ...UNKNOWN_STANDING, ...TOLD, accountAt: expect.any(Date) };
  expect(again.of('kites', 'TEST')).toEqual(standing);
  expect(seen.map((each) => each.of('kites', 'TEST').tier)).toContain('pro');
  await stage.domain.db.execute(sql`update provider_states set account_at = clock_timestamp() - interval '301 s'`);
  await lookOnce(provider);
  expect(asked.times).toBe(2);
});

test('one that tells nothing leaves what was told before, with when that was', async () => {
  await stage.domain.db.execute(sql`
    insert into provider_states (provider, mode, tier, account_at)
    values ('kites', 'TEST', 'pro', '2026-01-02T03:04:05Z')`);
  const before = await accountAt();
  const { asked, provider } = teller(() => null);
  const standings = await lookOnce(provider);
  expect([asked.times, await accountAt()]).toEqual([1, before]);
  expect(standings.of('kites', 'TEST')).toMatchObject({ tier: 'pro', creditsRemaining: null });
});

test('it takes a turn as any request does, and without one it is asked later', async () => {
  const limits = { concurrency: null, requestsPerMinute: 3, batch: null };
  const { asked, provider } = teller(() => TOLD, { limits });
  await stage.domain.db.execute(sql`
    insert into provider_states (provider, mode, turn_at)
    values ('kites', 'TEST', clock_timestamp() + interval '9 s')`);
  await lookOnce(provider);
  expect([asked.times, await accountAt()]).toEqual([0, null]);
  await stage.domain.db.execute(sql`update provider_states set turn_at = clock_timestamp()`);
  await lookOnce(provider);
  expect(asked.times).toBe(1);
  await lookOnce(teller(() => TOLD, { slug: 'silent', account: null }).provider);
  expect(await accountAt()).toEqual(expect.any(String));
});

test('the limits are those of the tier that the account told, once it has', async () => {
  const [few, many] = [
    { concurrency: 2, requestsPerMinute: 10, batch: 5 },
    { concurrency: 8, requestsPerMinute: 60, batch: 50 },
  ];
  const limitsOf = (tier: string) => (tier === 'pro' ? many : null);
  const { provider } = teller(() => TOLD, { limits: few, limitsOf, models: [sampleModel({ maxBatch: 30 })] });
  const standings = createStandings(stage.domain);
  const limits = createLimits({ ...stage.domain, standingOf: standings.of });
  const task = { request: { model: 'kite-1' } } as Parameters<typeof batchLimit>[2];
  const single = { request: { model: 'gone' } } as typeof task;
  expect([limits.of(provider), batchLimit(limits, provider, task)]).toEqual([few, 5]);
  await lookOnce(provider);
  await standings.refresh();
  expect([limits.of(provider), batchLimit(limits, provider, task)]).toEqual([many, 30]);
  expect(batchLimit(limits, provider, single)).toBe(1);
  await stage.domain.db.execute(sql`update provider_states set tier = 'a word nobody documented'`);
  await standings.refresh();
  expect(limits.of(provider)).toEqual(few);
});

test('a submission that finds no turn is told when to come, and other requests stand back until then', async () => {
  const limited = createFake(() => pending, { limits: { concurrency: null, requestsPerMinute: 3, batch: null } });
  const limits = createLimits(stage.domain);
  const { db } = stage.domain;
  const submit = () => db.transaction(limits.admit(limited, { images: 1, isBatch: false, submissionId: 'sub_1' }));
  expect([await submit(), await limits.takeTurn(createFake(() => pending))]).toEqual([null, 0]);
  const wait = await submit();
  expect(wait?.lacks).toBe('TURN');
  const waitMs = wait?.waitMs ?? 0;
  expect(waitMs).toBeGreaterThan(15_000);
  expect(waitMs).toBeLessThanOrEqual(21_000);
  const kept = await until(
    async () => {
      const [row] = await db.execute<{ s: number | null }>(sql`
        select extract(epoch from submits_wait_until - clock_timestamp())::float8 as s from provider_states`);
      return row?.s ?? 0;
    },
    (seconds) => seconds > 0,
  );
  expect(kept).toBeGreaterThan(15);
  expect(await limits.takeTurn(limited)).toBeGreaterThan(10_000);
});
