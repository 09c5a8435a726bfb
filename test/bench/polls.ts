import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { sql } from 'drizzle-orm';
import { pino } from 'pino';
import { connect } from '../../src/db/connect.ts';
import { startEmbedded } from '../../src/db/embedded/embedded.ts';
import { newId } from '../../src/db/id.ts';
import { migrate } from '../../src/db/migrate.ts';
import { workspaces } from '../../src/db/schema.ts';
import { createHints } from '../../src/events/hint.ts';
import type { Domain } from '../../src/generation/domain.ts';
import { createProviders } from '../../src/provider/catalogue.ts';
import { createIdentity } from '../../src/worker/identity.ts';
import { createPoller, type PollerOptions } from '../../src/worker/poll.ts';
import { insertMany } from '../generation/many.ts';
import type { Came } from './poll-server.ts';

const TASKS = Number(process.argv[2] ?? 10_000);
const SECONDS = Number(process.argv[3] ?? 60);
const UNMEASURED_SECONDS = Number(process.argv[4] ?? 30);
/** ModelArk answers a submission with the images, and so is never polled: its share has left and awaits its answer. */
const SLUGS = ['gptimage2', 'modelark', 'runware', 'reapi', 'threedaistudio', 'seedance'];
const WORKSPACES = 20;
const POLL_SCHEDULE = { firstMs: 2_000, fastMs: 2_500, fastForMs: 20_000, slowMs: 7_500 };
const log = pino({ level: 'warn' });

/**
 * How late polls are when one process holds 10,000 unfinished tasks at six providers: the real poller on the packaged
 * PostgreSQL, the real adapters over HTTP to a process that answers for all of them, tasks older than 20 s. The limits
 * of the providers are left out: 3 requests a minute would be the whole result.
 */
const dataDir = await mkdtemp(join(tmpdir(), 'darkroom-bench-'));
const database = await startEmbedded({ dataDir, log });
await migrate(database.url, log);
const connection = connect({ url: database.url, directUrl: database.url, log });
const far = fork(fileURLToPath(new URL('./poll-server.ts', import.meta.url)), { execArgv: process.execArgv });
const [{ port }] = (await once(far, 'message')) as [{ port: number }];
const catalogue = createProviders({
  sandboxUrl: `http://127.0.0.1:${port}`,
  testProviders: SLUGS,
  live: {},
  seedanceWebhookSecret: null,
  pollSchedule: POLL_SCHEDULE,
  submitTimeoutMs: null,
  concurrency: {},
  requestsPerMinute: {},
  prices: [],
});
const { providers } = catalogue;
const late = new Map<string, number[]>();
const domain: Domain = {
  db: connection.db,
  hints: createHints(connection, log),
  catalogue: providers,
  timing: { leaseMs: 30_000, uncertainHoldMs: 600_000, deadlineMs: 900_000, eventRetentionMs: 3_600_000 },
  log,
};
try {
  await fill();
  const identity = createIdentity(domain, () => poller.forget(poller.list()));
  const onAsk: NonNullable<PollerOptions['onAsk']> = ({ slug }, lateMs) => void late.get(slug)?.push(lateMs);
  const poller = createPoller(domain, providers, identity, { onAsk });
  await identity.start();
  poller.start();
  say(
    `${TASKS.toLocaleString('en')} unfinished tasks and a few over six providers; ${UNMEASURED_SECONDS} s unmeasured`,
  );
  await sleep(UNMEASURED_SECONDS * 1000);
  await tell(far);
  for (const slug of SLUGS) late.set(slug, []);
  const cpu = process.cpuUsage();
  await sleep(SECONDS * 1000);
  const lateness = new Map([...late].map(([slug, all]) => [slug, all.splice(0)]));
  const came = await tell(far);
  const { user, system } = process.cpuUsage(cpu);
  say(
    `in hand: ${poller.list().length.toLocaleString('en')}; measured for ${SECONDS} s; ${((user + system) / SECONDS / 1e4).toFixed(0)} % of a core\n`,
  );
  report(lateness, came);
  await poller.stop();
  await identity.stop();
} finally {
  far.disconnect();
  await catalogue.stop();
  await connection.stop();
  await database.stop();
  await rm(dataDir, { recursive: true, force: true });
}

/**
 * Each provider's share over twenty workspaces, under ids that it could have given: accepted a minute ago, and as far as
 * they will be said to be. A poll without news writes nothing.
 */
async function fill(): Promise<void> {
  const ids = Array.from({ length: WORKSPACES }, () => newId('wsp'));
  await domain.db.insert(workspaces).values(ids.map((id) => ({ id, name: id })));
  const each = Math.ceil(TASKS / SLUGS.length / WORKSPACES);
  for (const provider of SLUGS) {
    const status = provider === 'modelark' ? 'SUBMITTING' : 'RUNNING';
    for (const workspaceId of ids) await insertMany(domain, { workspaceId, count: each, provider, status });
  }
  await domain.db.execute(sql`
    update tasks set accepted_at = clock_timestamp() - interval '1 minute', percent = 30,
      provider_task_id = case provider
      when 'runware' then gen_random_uuid()::text
      when 'seedance' then 'batch_' || (right(id, 8)::int / 50) || '#' || (right(id, 8)::int % 50)
      else provider_task_id end
    where status = 'RUNNING'`);
  await domain.db.execute(sql`analyze`);
}

/** What came since the last time. */
async function tell(child: ChildProcess): Promise<Record<string, Came>> {
  child.send('report');
  const [came] = await once(child, 'message');
  return came as Record<string, Came>;
}

function report(lateness: Map<string, number[]>, came: Record<string, Came>): void {
  say(
    'provider          interval    polls  requests  a request   late p50     p99   of the interval p50    p99   asked again after p50     p99',
  );
  let worst = 0;
  for (const provider of providers) {
    const all = (lateness.get(provider.slug) ?? []).sort((a, b) => a - b);
    const { requests, gapMs } = came[provider.slug] ?? { requests: 0, gapMs: { p50: 0, p99: 0 } };
    if (all.length === 0) continue;
    const { slowMs } = provider.pollSchedule;
    const [p50, p99] = [at(all, 0.5), at(all, 0.99)];
    worst = Math.max(worst, p99 / slowMs);
    say(
      `${provider.name.padEnd(16)}${ms(slowMs, 10)}${String(all.length).padStart(9)}${String(requests).padStart(10)}${(all.length / requests).toFixed(1).padStart(11)}${ms(p50, 11)}${ms(p99, 8)}${share(p50 / slowMs, 22)}${share(p99 / slowMs, 7)}${ms(gapMs.p50, 24)}${ms(gapMs.p99, 8)}`,
    );
  }
  say(
    `\nthe latest p99 is ${share(worst, 0)} of its interval: ${worst <= 0.1 ? 'within' : 'NOT within'} the 10 % that are promised`,
  );
  if (worst > 0.1) process.exitCode = 1;
}

function at(sorted: number[], part: number): number {
  return sorted[Math.floor((sorted.length - 1) * part)] ?? 0;
}

function ms(value: number, width: number): string {
  return `${value.toFixed(0)} ms`.padStart(width);
}

function share(value: number, width: number): string {
  return `${(value * 100).toFixed(1)} %`.padStart(width);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
