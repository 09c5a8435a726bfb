import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { createIdentity, type Identity } from '../../src/worker/identity.ts';
import { openStage, type Stage } from '../generation/stage.ts';
import { until } from '../service/until.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage({ leaseMs: 1_500 });
});
beforeEach(() => stage.clear());
afterAll(() => stage.close());

test('its time is that of the database, to a fraction of a second', async () => {
  const { identity } = await start();
  const [row] = await stage.domain.db.execute<{ ms: number }>(sql`
    select (extract(epoch from clock_timestamp()) * 1000)::float8 as ms`);
  expect(Math.abs(identity.now() - (row?.ms ?? 0))).toBeLessThan(500);
});

test('a worker that others took over from starts anew under another name, and says so once', async () => {
  const { identity, lost } = await start();
  const before = identity.id;
  await stage.domain.db.execute(sql`delete from workers`);
  await until(
    () => identity.id,
    (id) => id !== before,
  );
  await until(
    () => identity.isAlive(),
    (isAlive) => isAlive,
  );
  expect([lost(), [...(await stage.domain.db.execute(sql`select id from workers`))]]).toEqual([
    1,
    [{ id: identity.id }],
  ]);
});

test('after a silence of its own it judges nobody for a while: what kept it from its heartbeat kept the others too', async () => {
  const { identity, lost } = await start();
  expect([identity.isAlive(), identity.mayJudge()]).toEqual([true, true]);
  const { id } = identity;
  await stage.domain.db.transaction(async (tx) => {
    await tx.execute(sql`select id from workers for update`);
    await until(
      () => identity.isAlive(),
      (isAlive) => !isAlive,
    );
    expect(identity.mayJudge()).toBe(false);
  });
  await until(
    () => identity.isAlive(),
    (isAlive) => isAlive,
  );
  expect(identity.mayJudge()).toBe(false);
  await until(
    () => identity.mayJudge(),
    (mayJudge) => mayJudge,
  );
  expect([identity.id, lost()]).toEqual([id, 0]);
});

async function start(): Promise<{ identity: Identity; lost: () => number }> {
  let lost = 0;
  const identity = createIdentity(stage.domain, () => {
    lost += 1;
  });
  await identity.start();
  onTestFinished(identity.stop);
  return { identity, lost: () => lost };
}
