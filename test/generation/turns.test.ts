import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { connect } from '../../src/db/connect.ts';
import type { Domain } from '../../src/generation/domain.ts';
import type { Executor } from '../../src/generation/provider-state.ts';
import {
  type Admission,
  admit,
  awaitTurn,
  type Leaving,
  takeTurn,
  type WantedTurn,
} from '../../src/generation/turns.ts';
import { countStatements } from '../service/statements.ts';
import { insertMany } from './many.ts';
import { openStage, type Stage } from './stage.ts';

let stage: Stage;
/** Two workers. */
let workers: Domain['db'][];
beforeAll(async () => {
  stage = await openStage();
  workers = [stage.domain.db, (await stage.another()).domain.db];
  await stage.domain.db.execute(sql`create table turns (n bigserial, at timestamptz)`);
  await stage.domain.db.execute(sql`
    create function note() returns trigger language plpgsql as
      'begin insert into turns (at) values (clock_timestamp()); return new; end'`);
  await stage.domain.db.execute(sql`
    create trigger note after update of turn_at on provider_states for each row
    when (new.turn_at is distinct from old.turn_at) execute function note()`);
});
beforeEach(async () => {
  await stage.clear();
  await stage.domain.db.execute(sql`truncate turns`);
});
afterAll(() => stage.close());

const ONE: Leaving = { isBatch: false, submissionId: null };

function wanted(limits: Partial<WantedTurn['limits']>, periodMs?: number): WantedTurn {
  const all = { concurrency: null, requestsPerMinute: null, ...limits };
  return { provider: 'kites', mode: 'TEST', limits: all, ...(periodMs !== undefined && { periodMs }) };
}

test.each([
  { requests: 3, periodMs: 240, turns: 7, weight: 1 },
  { requests: 40, periodMs: 300, turns: 90, weight: 1 },
  { requests: 500, periodMs: 300, turns: 60, weight: 15 },
  { requests: 40, periodMs: 300, turns: 6, weight: 15 },
  // Too much for any period: one at a time.
  { requests: 8, periodMs: 120, turns: 3, weight: 15 },
])(
  'no period of any two workers has more than its $requests requests, of which one counts as $weight',
  async ({ requests, periodMs, turns, weight }) => {
    const order = { ...wanted({ requestsPerMinute: requests }, periodMs), weight, heaviest: weight };
    let left = turns;
    const callers = [...workers, ...workers, ...workers].map(async (db, i) => {
      while (left > 0) {
        const submits = weight > 1 || i % 2 === 0;
        const turn = submits ? await db.transaction((tx) => admit(tx, order, ONE)) : await takeTurn(db, order);
        if (turn.ok) left -= 1;
        else await sleep(turn.waitMs);
      }
    });
    await Promise.all(callers);
    const [row] = await stage.domain.db.execute<{ count: string; most: string }>(sql`
    select count(*) as count, max(within) as most from (
      select count(*) over (order by at range between current row and ${periodMs}::int * interval '1 ms' following) as within
      from turns
    ) windows`);
    expect(Number(row?.count)).toBeGreaterThanOrEqual(turns);
    expect(Number(row?.most) * Math.min(weight, requests)).toBeLessThanOrEqual(requests);
  },
);

test('a transaction that is rolled back uses up no turn', async () => {
  const order = wanted({ requestsPerMinute: 3 });
  const undone = stage.domain.db.transaction(async (tx) => {
    expect(await admit(tx, order, ONE)).toEqual({ ok: true });
    throw new Error('canceled meanwhile');
  });
  await expect(undone).rejects.toThrow('canceled meanwhile');
  expect(await takeTurn(stage.domain.db, order)).toEqual({ ok: true });
});

test('a provider without a limit costs no statement, one that has them one for a poll and three for a submission', async () => {
  const counter = await countStatements(stage.url);
  const connection = connect({ url: counter.url, directUrl: counter.url, log: stage.domain.log, max: 1 });
  const cost = async (ask: (db: Executor) => Promise<unknown>) => {
    const before = counter.count;
    await ask(connection.db);
    return counter.count - before;
  };
  try {
    const both = wanted({ concurrency: 9, requestsPerMinute: 600 });
    await connection.db.execute(sql`insert into provider_states (provider, mode) values ('kites', 'TEST')`);
    expect([
      await cost((db) => takeTurn(db, wanted({}))),
      await cost((db) => admit(db, wanted({}), ONE)),
      await cost((db) => takeTurn(db, wanted({ concurrency: 9 }))),
      await cost((db) => takeTurn(db, both)),
      await cost((db) => admit(db, both, ONE)),
    ]).toEqual([0, 0, 0, 1, 3]);
  } finally {
    await connection.stop();
    await counter.stop();
  }
});

test('a submission that waits for its turn has it before any other request', async () => {
  const [db, other] = workers as [Domain['db'], Domain['db']];
  const order = wanted({ requestsPerMinute: 3 }, await periodOfKeptTurns());
  expect(await takeTurn(db, order)).toEqual({ ok: true });
  const refused = (await db.transaction((tx) => admit(tx, order, ONE))) as Extract<Admission, { ok: false }>;
  expect(refused.lacks).toBe('TURN');
  await awaitTurn(db, order, refused.waitMs);
  await free();
  expect(await takeTurn(other, order)).toMatchObject({ ok: false });
  expect(await db.transaction((tx) => admit(tx, order, ONE))).toEqual({ ok: true });
  await free();
  expect(await takeTurn(other, order)).toEqual({ ok: true });
});

test("one that does not come back is waited for three seconds, and every third turn is anybody's", async () => {
  const { db } = stage.domain;
  // Turns 20 s apart: the third ones are those in the first 20 s of a minute.
  const order = wanted({ requestsPerMinute: 3 }, 60_000 / 1.05);
  const waitMs = async (second: number, submitsWaitFor: number) => {
    await db.execute(sql`
      insert into provider_states (provider, mode, turn_at, submits_wait_until)
      values ('kites', 'TEST', date_trunc('minute', clock_timestamp()) + ${120 + second}::int * interval '1 s',
        clock_timestamp() + ${submitsWaitFor}::int * interval '1 s')
      on conflict (provider, mode) do update
      set turn_at = excluded.turn_at, submits_wait_until = excluded.submits_wait_until`);
    const turn = await takeTurn(db, order);
    return turn.ok ? 0 : turn.waitMs;
  };
  const longer = [];
  for (const second of [10, 30, 50]) {
    longer.push(Math.round(((await waitMs(second, 3)) - (await waitMs(second, -1))) / 5_000) * 5);
  }
  expect(longer).toEqual([0, 20, 20]);
  await awaitTurn(db, order, 2_000);
  const [row] = await db.execute<{ s: number }>(sql`
    select extract(epoch from submits_wait_until - clock_timestamp())::float8 as s from provider_states`);
  expect(row?.s).toBeGreaterThan(4.5);
  expect(row?.s).toBeLessThanOrEqual(5);
});

test('of twenty that are after the last places at once so many are admitted as there are, and a batch has one', async () => {
  const { workspaceId } = await stage.newCaller();
  const { db } = stage.domain;
  await insertMany(stage.domain, { workspaceId, count: 24 });
  // Two orders in one batch, one that is being sent, and one whose end is all that is left of it.
  await db.execute(sql`
    insert into submissions (id, workspace_id, provider, mode, body)
    select 'sub_' || n, ${workspaceId}, 'kites', 'TEST', '{}' from generate_series(1, 2) n`);
  const ids = (await db.execute<{ id: string }>(sql`select id from tasks order by id`)).map(({ id }) => id);
  await db.execute(sql`
    update tasks set status = 'RUNNING', submission_id = 'sub_1' where id in (${ids[0]}, ${ids[1]})`);
  await db.execute(sql`update tasks set status = 'SUBMITTING', submission_id = 'sub_2' where id = ${ids[2]}`);
  await db.execute(sql`update tasks set status = 'COLLECTING' where id = ${ids[3]}`);
  const order = wanted({ concurrency: 5 });
  const mark = (id: string, i: number) =>
    (workers[i % 2] ?? db).transaction(async (tx) => {
      const admission = await admit(tx, order, ONE);
      if (admission.ok) await tx.execute(sql`update tasks set status = 'SUBMITTING' where id = ${id}`);
      return admission;
    });
  const admissions = await Promise.all(ids.slice(4).map(mark));
  expect(admissions.filter(({ ok }) => ok)).toHaveLength(3);
  const refused = admissions.filter(({ ok }) => !ok);
  expect(refused).toEqual(Array(17).fill({ ok: false, waitMs: 2_000, lacks: 'ROOM' }));
  const mine = { ...order, mode: 'LIVE' as const };
  expect(await db.transaction((tx) => admit(tx, mine, ONE))).toEqual({ ok: true });
});

test('what goes on at its provider keeps its place there for two minutes: uncertain, canceled or too late', async () => {
  const { db } = stage.domain;
  const [uncertain, canceled, unanswered, forgotten, refused, growing] = await insertTasks(6);
  const seconds = (count: number) => sql`submitted_at = clock_timestamp() - ${count}::int * interval '1 second'`;
  const over = sql`finished_at = clock_timestamp()`;
  const settling = sql`settle_until = clock_timestamp() + interval '1 day', provider_task_id = 'theirs', ${over}`;
  const failure = (billed: string) => sql`failure = ${JSON.stringify({ billed })}::jsonb`;
  await db.execute(sql`update tasks set status = 'UNCERTAIN', ${seconds(100)} where id = ${uncertain}`);
  await db.execute(sql`
    update tasks set status = 'CANCELED', ${settling}, ${failure('UNKNOWN')}, ${seconds(100)} where id = ${canceled}`);
  // While its submission was on the way.
  await db.execute(sql`
    update tasks set status = 'CANCELED', ${over}, ${failure('UNKNOWN')}, ${seconds(10)} where id = ${unanswered}`);
  await db.execute(sql`
    update tasks set status = 'FAILED', ${settling}, ${failure('UNKNOWN')}, ${seconds(140)} where id = ${forgotten}`);
  await db.execute(sql`
    update tasks set status = 'FAILED', ${over}, ${failure('NO')}, ${seconds(10)} where id = ${refused}`);
  // Its list may still grow; its provider has ended it.
  await db.execute(
    sql`update tasks set status = 'PARTIALLY_SUCCEEDED', ${settling}, ${seconds(10)} where id = ${growing}`,
  );
  const may = (concurrency: number) => db.transaction((tx) => admit(tx, wanted({ concurrency }), ONE));
  expect([(await may(3)).ok, (await may(4)).ok]).toEqual([false, true]);
  await db.execute(sql`update tasks set ${seconds(140)} where id = ${uncertain}`);
  expect((await may(3)).ok).toBe(true);
});

test('batches have a limit of their own within that of all, and what is sent again has its place already', async () => {
  const { db } = stage.domain;
  const ids = await insertTasks(4);
  await db.execute(sql`
    insert into submissions (id, workspace_id, provider, mode, body)
    select distinct 'sub_1', workspace_id, 'kites', 'TEST', '{}'::jsonb from tasks`);
  await db.execute(sql`
    update tasks set status = 'RUNNING', submission_id = 'sub_1', place = 0 where id in (${ids[0]}, ${ids[1]})`);
  await db.execute(sql`update tasks set status = 'RUNNING' where id = ${ids[2]}`);
  const may = async (limits: Partial<WantedTurn['limits']>, leaving: Partial<Leaving>) =>
    readLack(await db.transaction((tx) => admit(tx, wanted(limits), { ...ONE, ...leaving })));
  expect([
    await may({ batches: 1 }, { isBatch: true }),
    await may({ batches: 1 }, {}),
    await may({ batches: 2 }, { isBatch: true }),
    await may({ batches: 2, concurrency: 2 }, { isBatch: true }),
    await may({ batches: 1, concurrency: 2 }, { isBatch: true, submissionId: 'sub_1' }),
  ]).toEqual(['BATCH', null, null, 'ROOM', null]);
});

function readLack(admission: Admission): string | null {
  return admission.ok ? null : admission.lacks;
}

async function insertTasks(count: number): Promise<string[]> {
  const { workspaceId } = await stage.newCaller();
  await insertMany(stage.domain, { workspaceId, count });
  return (await stage.domain.db.execute<{ id: string }>(sql`select id from tasks order by id`)).map(({ id }) => id);
}

/** Lets the next turn have come. */
async function free(): Promise<void> {
  await stage.domain.db.execute(sql`update provider_states set turn_at = clock_timestamp()`);
}

/** Of three turns that lie so that the present one is no third one, nor any within ten seconds. */
async function periodOfKeptTurns(): Promise<number> {
  const [row] = await stage.domain.db.execute<{ ms: number }>(sql`
    select extract(epoch from clock_timestamp())::float8 * 1000 as ms`);
  const isKept = (apartMs: number) =>
    [0, 10_000].every((later) => Math.floor(((row?.ms ?? 0) + later) / apartMs) % 3 !== 0);
  const apartMs = Array.from({ length: 40 }, (_, i) => 20_000 + 1_000 * i).find(isKept);
  if (apartMs === undefined) throw new Error('All of them are third ones now.');
  return (apartMs * 3) / 1.05;
}
