import { request } from 'node:http';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { bearer, create, only, query, readUntil, TEST_KEY } from './client.ts';
import { type Service, startService } from './service.ts';
import { until } from './until.ts';
import { watchBySse, watchByWebsocket } from './watch.ts';

const TOKEN = 'a-token-of-the-one-who-scrapes';

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service?.stop());

test('what a process did, its clients and the backlog show in its metrics, in fixed words only', async () => {
  const made = await create(service.url, { prompt: 'A kite nobody may read of [[slow=0]]' });
  await readUntil(service.url, made.generation.id);
  const failed = await create(service.url, { prompt: 'A kite [[fail]] [[slow=0]]' });
  await readUntil(service.url, failed.generation.id);
  const stuck = await create(service.url, { prompt: 'A kite [[stuck]]' });
  await readUntil(service.url, stuck.generation.id, ({ tasks }) => only(tasks).status === 'RUNNING');
  await query(service.url, '{ nothing }');
  const id = stuck.generation.id;
  const watching = [watchByWebsocket(service.url, { id }), watchBySse(service.url, { id })];
  const refused = watchByWebsocket(service.url, { id }, 'subscription { nothing }');
  await expect(refused.completed).rejects.toMatchObject([{ extensions: { code: expect.any(String) } }]);
  await until(
    () => watching.map(({ messages }) => messages.length),
    (counts) => counts.every((count) => count > 0),
  );

  const { text, series } = await scrape(service.url);
  expect(series).toMatchObject({
    [`darkroom_build_info{version="0.1.0",role="all",node="${process.versions.node}"}`]: 1,
    darkroom_ready: 1,
    darkroom_workers: 1,
    'darkroom_unfinished_tasks{provider="gptimage2",mode="TEST",status="RUNNING"}': 1,
    'darkroom_task_lateness_seconds{status="RUNNING"}': 0,
    'darkroom_generations_finished_total{status="SUCCEEDED",mode="TEST"}': 1,
    'darkroom_generations_finished_total{status="FAILED",mode="TEST"}': 1,
    'darkroom_images_total{outcome="stored",mode="TEST"}': 1,
    'darkroom_images_total{outcome="lost",mode="TEST"}': 0,
    'darkroom_subscriptions{transport="websocket"}': 1,
    'darkroom_subscriptions{transport="sse"}': 1,
    darkroom_websockets: 1,
    'darkroom_operation_duration_seconds_count{operation="mutation",transport="http"}': 3,
    'darkroom_operation_errors_total{code="GRAPHQL_VALIDATION_FAILED",transport="http"}': 1,
    'darkroom_operation_errors_total{code="GRAPHQL_VALIDATION_FAILED",transport="websocket"}': 1,
    [submits('OK')]: 3,
    // An alarm sees what rises from 0, not what begins at 1.
    [submits('NO_CREDITS')]: 0,
  });
  expect(series.process_resident_memory_bytes).toBeGreaterThan(1e7);
  expect(series.process_cpu_seconds_total).toBeGreaterThan(0);
  expect(series.darkroom_event_loop_delay_seconds).toBeLessThan(5);
  expect(series.darkroom_feed_lag_seconds).toBeGreaterThanOrEqual(0);
  expect(text).not.toMatch(/kite|gen_|tsk_|wsp_|sk_test|nothing|Watch\b/);

  for (const each of [...watching, refused]) each.leave();
  const after = await until(
    () => scrape(service.url),
    ({ series }) => series.darkroom_websockets === 0 && series['darkroom_subscriptions{transport="sse"}'] === 0,
  );
  expect(after.series['darkroom_subscriptions{transport="websocket"}']).toBe(0);
});

test('without a METRICS_TOKEN they are answered under a loopback name only', async () => {
  expect(await get(service.url, '/metrics', { host: 'metrics.example' })).toEqual({
    status: 404,
    text: 'Set METRICS_TOKEN to have metrics served beyond loopback.\n',
  });
  expect((await get(service.url, '/metrics', { host: 'localhost:1' })).status).toBe(200);
});

test('a database that does not answer keeps nobody from reading the rest, and is not taken for an idle one', async () => {
  const api = await startOther({ ROLE: 'api' });
  const sql = postgres(service.databaseUrl, { max: 1 });
  onTestFinished(() => sql.end());
  await sql.begin(async (tx) => {
    await tx`lock table tasks, drizzle.__drizzle_migrations in access exclusive mode`;
    const { series, text, ms } = await scrape(api.url);
    expect(ms).toBeLessThan(3_000);
    expect([series.darkroom_ready, series.darkroom_workers]).toEqual([0, undefined]);
    expect(text).not.toContain('darkroom_unfinished_tasks{');
    expect(series.process_cpu_seconds_total).toBeGreaterThan(0);
  });
  await until(
    () => scrape(api.url),
    ({ series }) => series.darkroom_ready === 1 && series.darkroom_workers === 1,
  );
});

test('with a METRICS_TOKEN whoever brings it may read them from anywhere, and nobody else', async () => {
  const other = await startOther({ METRICS_TOKEN: TOKEN, HOST: '0.0.0.0', ROLE: 'api' });
  const answers = [
    await get(other.url, '/metrics', { host: 'metrics.example', authorization: `Bearer ${TOKEN}` }),
    await get(other.url, '/metrics', {}),
    await get(other.url, '/metrics', { authorization: `Bearer ${TOKEN}x` }),
    await get(other.url, '/metrics', { authorization: `Basic ${TOKEN}` }),
    await get(other.url, '/metrics', bearer(TEST_KEY)),
  ];
  expect(answers.map(({ status }) => status)).toEqual([200, 401, 401, 401, 401]);
  expect(answers[0]?.text).toContain('darkroom_ready');
  expect(answers[1]?.text).not.toContain('darkroom_ready');
});

test('beyond loopback and without a METRICS_TOKEN there are none, whatever the Host says', async () => {
  const other = await startOther({ HOST: '0.0.0.0', ROLE: 'api' });
  expect((await get(other.url, '/metrics', { host: '127.0.0.1' })).status).toBe(404);
});

test('a worker answers health and metrics, nothing else, and takes a free port where its own is taken', async () => {
  const worker = await startOther({ ROLE: 'worker', PORT: new URL(service.url).port });
  expect(worker.url).not.toBe(service.url);
  expect(worker.logged.map(({ msg }) => msg)).toContain(
    'PORT is in use: health and metrics of this worker are served on a free one',
  );
  const paths = ['/livez', '/readyz', '/metrics', '/graphql', '/assets/x', '/'];
  const statuses = await Promise.all(paths.map(async (path) => (await get(worker.url, path, {})).status));
  expect(statuses).toEqual([200, 200, 200, 404, 404, 404]);
  const { series } = await scrape(worker.url);
  expect(Object.keys(series)).toContain(
    `darkroom_build_info{version="0.1.0",role="worker",node="${process.versions.node}"}`,
  );
  await worker.stop();
  await expect(get(worker.url, '/livez', {})).rejects.toThrow('ECONNREFUSED');
});

/** Another process on the same database. */
async function startOther(env: Record<string, string>): Promise<Service> {
  const other = await startService({ DATABASE_URL: service.databaseUrl, ...env });
  onTestFinished(other.stop);
  return other;
}

function submits(outcome: string): string {
  const labels = `provider="gptimage2",mode="TEST",operation="submit",outcome="${outcome}"`;
  return `darkroom_provider_request_duration_seconds_count{${labels}}`;
}

interface Scraped {
  text: string;
  /** Value by name and labels, as written. */
  series: Record<string, number>;
  ms: number;
}

async function scrape(url: string): Promise<Scraped> {
  const began = performance.now();
  const { status, text } = await get(url, '/metrics', {});
  expect(status, text).toBe(200);
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const series = lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]);
  return { text, series: Object.fromEntries(series), ms: performance.now() - began };
}

/** fetch sets Host itself. */
function get(url: string, path: string, headers: Record<string, string>): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(`${url}${path}`, { headers, agent: false }, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    sent.on('error', reject);
    sent.end();
  });
}
