import { pino } from 'pino';
import postgres, { type Sql } from 'postgres';
import { expect, onTestFinished, test } from 'vitest';
import { connect } from '../../src/db/connect.ts';
import { newId } from '../../src/db/id.ts';
import { workspaces } from '../../src/db/schema.ts';
import { createHints } from '../../src/events/hint.ts';
import { createTestDatabase } from '../database.ts';
import { insertMany } from '../generation/many.ts';
import { type ChildService, startChild } from '../service/child.ts';
import { makeFolder } from '../service/folder.ts';
import { SECRET } from '../service/service.ts';
import { until } from '../service/until.ts';
import { type Asker, type PollUpstream, startPollUpstream } from './poll-upstream.ts';

const TASKS = 2_000;
const LEASE_MS = 2_500;
/** Of one worker to one provider: with so many under way it sends no other. */
const MOST_REQUESTS_AT_ONCE = 32;
const PATIENCE_MS = 60_000;

test('two workers, 2,000 tasks: each is polled by one at a time; one frozen past its lease and thawed turns nothing back', async () => {
  const upstream = await startPollUpstream();
  const { url, sql, order } = await openDatabase();
  const [a] = await Promise.all([startWorker(url, upstream, 'a'), startWorker(url, upstream, 'b')]);

  await order(TASKS);
  await until(
    () => upstream.askers.size,
    (size) => size === TASKS,
    PATIENCE_MS,
  );
  const ids = [...upstream.askers.keys()];
  expect(askedByBoth(upstream)).toEqual([]);
  const shares = sharesOf(upstream);
  process.stdout.write(`two-workers.test.ts: a holds ${shares.a.length} tasks, b ${shares.b.length}\n`);
  expect(Math.min(shares.a.length, shares.b.length)).toBeGreaterThan(0);

  await reach(sql, upstream, 30);

  // The answers to these reach a worker that is frozen, and that believes when it thaws that they are about its tasks.
  upstream.holdBack('a');
  await until(
    () => upstream.waiting.length,
    (length) => length === MOST_REQUESTS_AT_ONCE,
    PATIENCE_MS,
  );
  a.kill('SIGSTOP');
  upstream.answerWaiting({ failed: 'stale' });
  upstream.askers.clear();
  await until(
    () => missing(shares.a, upstream),
    ({ length }) => length === 0,
    PATIENCE_MS,
  );
  await reach(sql, upstream, 60);
  expect(sharesOf(upstream).a).toEqual([]);

  a.kill('SIGCONT');
  await until(
    () => sql`select id from workers`,
    ({ length }) => length === 2,
  );
  await order(200);
  await until(
    () => upstream.askers.size,
    (size) => size === TASKS + 200,
    PATIENCE_MS,
  );
  expect(askedByBoth(upstream)).toEqual([]);
  expect(ids.filter((id) => upstream.askers.get(id)?.has('a'))).toEqual([]);

  upstream.state = { failed: 'the end' };
  await until(
    () => sql`select count(*)::int as unfinished from generations where finished_at is null`,
    ([row]) => row?.unfinished === 0,
    PATIENCE_MS,
  );
  const codes = await sql`select failure ->> 'providerCode' as code, count(*)::int from tasks group by 1`;
  expect([...codes]).toEqual([{ code: 'the end', count: TASKS + 200 }]);
  const heard = await sql`
    select task_id from exchanges where response_body -> 'error' ->> 'code' = 'stale'`;
  expect([...heard]).toEqual([]);
  expect(await listTurnedBack(sql)).toEqual([]);
}, 240_000);

async function openDatabase() {
  const database = await createTestDatabase();
  const log = pino({ level: 'silent' });
  const connection = connect({ url: database.url, directUrl: database.url, log });
  const hints = createHints(connection, log);
  const sql = postgres(database.url, { max: 1 });
  onTestFinished(async () => {
    await Promise.all([hints.stop(), connection.stop(), sql.end()]);
    await database.drop();
  });
  /** So many tasks that the provider has accepted, and a word to the workers. */
  async function order(count: number): Promise<void> {
    const workspaceId = newId('wsp');
    await connection.db.insert(workspaces).values({ id: workspaceId, name: workspaceId });
    const what = { provider: 'gptimage2', mode: 'LIVE', status: 'ACCEPTED' } as const;
    await insertMany(connection, { workspaceId, count, ...what });
    hints.give({ generationIds: [], work: ['poll'], feeds: [] });
  }
  return { url: database.url, sql, order };
}

async function startWorker(databaseUrl: string, upstream: PollUpstream, asker: Asker): Promise<ChildService> {
  const folder = await makeFolder();
  onTestFinished(folder.remove);
  return startChild({
    ROLE: 'worker',
    DATABASE_URL: databaseUrl,
    DATA_DIR: folder.path,
    SECRET_KEYS: SECRET,
    GPTIMAGE2_BASE_URL: upstream.urlFor(asker),
    GPTIMAGE2_API_KEY: 'the key of the test',
    LEASE_MS: String(LEASE_MS),
    POLL_FIRST_MS: '200',
    POLL_FAST_MS: '2000',
    POLL_SLOW_MS: '2000',
  });
}

/** The upstream says that every fourth task has come so far, and the database knows it of all these. */
async function reach(sql: Sql, upstream: PollUpstream, percent: number): Promise<void> {
  upstream.state = { percent };
  await until(
    () => sql`
      select count(*)::int as behind from tasks where substr(id, 5)::int % 4 = 0 and percent is distinct from ${percent}`,
    ([row]) => row?.behind === 0,
    PATIENCE_MS,
  );
}

function askedByBoth(upstream: PollUpstream): string[] {
  return [...upstream.askers].filter(([, { size }]) => size > 1).map(([id]) => id);
}

function sharesOf(upstream: PollUpstream): Record<Asker, string[]> {
  const shareOf = (asker: Asker) => [...upstream.askers].filter(([, who]) => who.has(asker)).map(([id]) => id);
  return { a: shareOf('a'), b: shareOf('b') };
}

function missing(ids: string[], upstream: PollUpstream): string[] {
  return ids.filter((id) => !upstream.askers.has(id));
}

/** Generations whose log has a gap, or in which a version is younger than the next, or progress or a status goes back. */
async function listTurnedBack(sql: Sql): Promise<string[]> {
  const rows = await sql`
    with steps as (
      select generation_id, version, percent, at, array_position(array['QUEUED', 'RUNNING', 'FAILED'], status) as rank,
        lag(version) over log as last_version, lag(percent) over log as last_percent, lag(at) over log as last_at,
        lag(array_position(array['QUEUED', 'RUNNING', 'FAILED'], status)) over log as last_rank
      from events window log as (partition by generation_id order by version)
    )
    select distinct generation_id from steps
    where version <> coalesce(last_version, 0) + 1 or percent < last_percent or at < last_at or rank < last_rank
      or rank is null`;
  return rows.map((row) => row.generation_id);
}
