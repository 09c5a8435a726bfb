import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { create, query, readUntil } from './client.ts';
import { type Service, startService } from './service.ts';
import { until } from './until.ts';

const PLAIN_KEY = 'sk_test_of-somebody-without-ADMIN';
const HEALTH = 'health { state successRate p50Seconds p95Seconds openUntil }';

interface Provider {
  health: Record<'state' | 'successRate' | 'p50Seconds' | 'p95Seconds' | 'openUntil', unknown>;
  account: unknown;
}

let service: Service;
let sql: postgres.Sql;
beforeAll(async () => {
  service = await startService({ BOOTSTRAP_API_KEY: `${PLAIN_KEY},sk_test_of-the-workspace-default` });
  sql = postgres(service.databaseUrl, { max: 1 });
  await sql`update api_keys set scopes = '{GENERATE,READ}' where prefix = ${PLAIN_KEY.slice(0, 12)}
    and hash = encode(sha256(${PLAIN_KEY}::bytea), 'hex')`;
});
afterAll(async () => {
  await sql?.end();
  await service?.stop();
});

async function readProvider(): Promise<Provider> {
  const document = `{ providers { ${HEALTH} account { creditsRemaining tier at } } }`;
  const { data, text } = await query<{ providers: Provider[] }>(service.url, document);
  const [provider] = data?.providers ?? [];
  if (!provider) throw new Error(text);
  return provider;
}

/** Until the process has looked, as it does every second. */
function readOnce(holds: (provider: Provider) => boolean): Promise<Provider> {
  return until(readProvider, holds, 5_000);
}

test('how a provider is doing shows: well, left alone, to be tried again, well once it took that, and no longer there', async () => {
  const unknown = { successRate: null, p50Seconds: null, p95Seconds: null, openUntil: null };
  expect(await readProvider()).toEqual({ health: { ...unknown, state: 'HEALTHY' }, account: null });

  const openUntil = new Date(Date.now() + 120_000).toISOString();
  await sql`insert into provider_states
    (provider, mode, open_until, open_code, open_reason, openings, credits_remaining, tier, account_at)
    values ('gptimage2', 'TEST', ${openUntil}, 'PROVIDER_ERROR', 'Look there.', 1, '12.5', 'pro', '2026-01-02T03:04:05Z')`;
  const open = await readOnce(({ health }) => health.state !== 'HEALTHY');
  expect(open.health).toEqual({ ...unknown, openUntil, state: 'OPEN' });
  await sql`update provider_states set open_until = clock_timestamp() - interval '1 s'`;
  const halfOpen = await readOnce(({ health }) => health.state !== 'OPEN');
  expect(halfOpen.health).toEqual({ ...unknown, state: 'DEGRADED' });

  const { generation } = await create(service.url, { prompt: 'A kite [[slow=0]]' });
  await readUntil(service.url, generation.id);
  expect((await readProvider()).health).toEqual({ ...unknown, state: 'HEALTHY' });
  await sql`update tasks set provider = 'gone'`;
  const document = `query($id: ID!) { generation(id: $id) { tasks { provider { slug ${HEALTH} } } } }`;
  const { data } = await query(service.url, document, { id: generation.id });
  const provider = { slug: 'gone', health: { ...unknown, state: 'UNCONFIGURED' } };
  expect(data).toEqual({ generation: { tasks: [{ provider }] } });
});

test('what is left at a provider is for keys with the scope ADMIN', async () => {
  const { account } = await readProvider();
  expect(account).toEqual({ creditsRemaining: '12.5', tier: 'pro', at: '2026-01-02T03:04:05.000Z' });
  const { data, errors } = await query(
    service.url,
    '{ providers { slug account { tier } } }',
    {},
    { authorization: `Bearer ${PLAIN_KEY}` },
  );
  expect(data).toEqual({ providers: [{ slug: 'gptimage2', account: null }] });
  expect(errors.map(({ path, extensions }) => [path, extensions.code])).toEqual([
    [['providers', 0, 'account'], 'FORBIDDEN'],
  ]);
});
