import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import type { Database } from '../../src/db/connect.ts';
import { readHistory } from '../../src/generation/history.ts';
import { UNKNOWN_STANDING } from '../../src/generation/standing.ts';
import { createStandings } from '../../src/generation/standings.ts';
import { until } from '../service/until.ts';
import { insertMany } from './many.ts';
import { openStage, type Stage } from './stage.ts';

let stage: Stage;
let db: Database;
beforeAll(async () => {
  stage = await openStage();
  db = stage.domain.db;
});
beforeEach(() => stage.clear());
afterAll(() => stage.close());

const KITES = { provider: 'kites', mode: 'TEST' } as const;

interface Ended {
  count?: number;
  status?: string;
  code?: string;
  /** From its submission to its end. */
  seconds?: number;
  hoursAgo?: number;
  mode?: 'TEST' | 'LIVE';
  isSent?: boolean;
}

async function end({
  count = 1,
  status = 'SUCCEEDED',
  code,
  seconds = 8,
  hoursAgo = 0,
  mode,
  isSent = true,
}: Ended): Promise<void> {
  const { workspaceId } = await stage.newCaller();
  await insertMany(stage.domain, { workspaceId, count, ...(mode && { mode }) });
  const failure = code === undefined ? null : JSON.stringify({ code });
  await db.execute(sql`
    update tasks set status = ${status}, failure = (${failure}::text)::jsonb,
      finished_at = clock_timestamp() - ${hoursAgo}::float8 * interval '1 h',
      submitted_at = case when ${isSent}::boolean then
        clock_timestamp() - ${hoursAgo}::float8 * interval '1 h' - ${seconds}::float8 * interval '1 s' end
    where workspace_id = ${workspaceId}`);
}

test('the rate is of tasks that ended by its doing, the seconds are of those that brought all', async () => {
  for (const seconds of [2, 4, 6, 8, 10]) await end({ seconds });
  await end({ status: 'PARTIALLY_SUCCEEDED', seconds: 100 });
  await end({ status: 'FAILED', code: 'PROVIDER_ERROR', count: 2 });
  for (const code of ['MODERATED_PROMPT', 'MODERATED_OUTPUT', 'REFERENCE_UNREACHABLE']) {
    await end({ status: 'FAILED', code, count: 3 });
  }
  await end({ status: 'CANCELED', code: 'CANCELED', count: 3 });
  await end({ status: 'FAILED', code: 'DEADLINE_EXCEEDED', count: 3, isSent: false });
  await end({ mode: 'LIVE', status: 'FAILED', code: 'PROVIDER_LOST' });
  await end({ status: 'FAILED', code: 'PROVIDER_ERROR', hoursAgo: 25 });
  const read = await readHistory(db, [KITES, { ...KITES, mode: 'LIVE' }, { ...KITES, provider: 'x' }]);
  expect(read.toSorted((a, b) => a.mode.localeCompare(b.mode))).toEqual([
    { ...KITES, mode: 'LIVE', successRate: 0, p50Seconds: null, p95Seconds: null },
    { ...KITES, successRate: 0.75, p50Seconds: expect.closeTo(6, 1), p95Seconds: expect.closeTo(9.6, 1) },
  ]);
});

test('it is of the last 200 tasks, found along an index however many there were before', async () => {
  await end({ count: 2_500, status: 'FAILED', code: 'PROVIDER_ERROR', hoursAgo: 2 });
  await end({ count: 150, seconds: 3, hoursAgo: 1 });
  await db.execute(sql`analyze tasks`);
  expect(await readHistory(db, [KITES])).toMatchObject([{ successRate: 0.75, p50Seconds: expect.closeTo(3, 1) }]);
  const plans: string[] = [];
  const explaining = {
    execute: async (query: Parameters<Database['execute']>[0]) => {
      const rows = await db.execute<Record<string, string>>(sql`explain (analyze, costs off, timing off) ${query}`);
      plans.push(...rows.flatMap((row) => Object.values(row)));
      return [];
    },
  };
  await readHistory(explaining as unknown as Database, [KITES]);
  const plan = plans.join('\n');
  expect(plan).toMatch(/Index Scan Backward using tasks_ended on tasks t \(actual rows=200/);
  expect(plan).not.toContain('Seq Scan');
});

test('nothing is known of a provider at first, and each process sees within a second or two what another has written', async () => {
  const { domain } = await stage.another();
  const standings = createStandings(domain);
  onTestFinished(standings.stop);
  await standings.start();
  expect(standings.of('kites', 'TEST')).toEqual(UNKNOWN_STANDING);
  const openUntil = new Date('2031-02-03T04:05:06Z');
  const accountAt = new Date('2030-01-02T03:04:05Z');
  await db.execute(sql`
    insert into provider_states (provider, mode, open_until, open_code, open_reason, credits_remaining, tier, account_at)
    values ('kites', 'TEST', ${openUntil.toISOString()}, 'PROVIDER_ERROR', 'Look there.', '12.5', 'pro',
      ${accountAt.toISOString()})`);
  const seen = await until(
    () => standings.of('kites', 'TEST'),
    (standing) => standing.openUntil !== null,
    5_000,
  );
  const account = { creditsRemaining: '12.5', tier: 'pro', accountAt };
  const open = { openUntil, openCode: 'PROVIDER_ERROR', openReason: 'Look there.' };
  expect(seen).toEqual({ ...UNKNOWN_STANDING, ...open, ...account });
  expect(standings.of('kites', 'LIVE')).toEqual(UNKNOWN_STANDING);
});

test('what was changed before is seen at once by whoever reads anew, and a read that fails changes nothing', async () => {
  await end({ seconds: 5 });
  const { domain, connection } = await stage.another();
  const standings = createStandings(domain);
  onTestFinished(standings.stop);
  await standings.start();
  await db.execute(sql`insert into provider_states (provider, mode, tier) values ('kites', 'TEST', 'pro')`);
  await standings.refresh();
  const known = standings.of('kites', 'TEST');
  expect(known).toEqual({
    ...UNKNOWN_STANDING,
    tier: 'pro',
    successRate: 1,
    p50Seconds: expect.closeTo(5, 1),
    p95Seconds: expect.closeTo(5, 1),
  });
  await connection.stop();
  await standings.refresh();
  expect(standings.of('kites', 'TEST')).toEqual(known);
});
