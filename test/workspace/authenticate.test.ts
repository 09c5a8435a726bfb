import { eq, sql } from 'drizzle-orm';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Connection, connect } from '../../src/db/connect.ts';
import { apiKeys, workspaces } from '../../src/db/schema.ts';
import { authenticate, CredentialFault } from '../../src/workspace/authenticate.ts';
import { getWorkspace, listApiKeys } from '../../src/workspace/find.ts';
import { bootstrapWorkspaces } from '../../src/workspace/keys.ts';
import { createTestDatabase } from '../database.ts';

const TEST_KEY = 'sk_test_0123456789abcdefghij';
const LIVE_KEY = 'sk_live_0123456789abcdefghij';
const ALL_SCOPES = ['GENERATE', 'READ', 'ADMIN', 'DEBUG'];

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let connection: Connection;
beforeAll(async () => {
  database = await createTestDatabase();
  const log = pino({ level: 'silent' });
  connection = connect({ url: database.url, directUrl: database.url, log });
});
beforeEach(async () => {
  await connection.db.execute(sql`truncate workspaces cascade`);
  await bootstrapWorkspaces(connection.db, [
    { workspace: 'default', key: TEST_KEY },
    { workspace: 'studio', key: LIVE_KEY },
  ]);
});
afterAll(async () => {
  await connection.stop();
  await database.drop();
});

const ask = (authorization: string | undefined, open = false) => authenticate(connection.db, authorization, open);
const change = (key: string, changes: Partial<typeof apiKeys.$inferInsert>) =>
  connection.db
    .update(apiKeys)
    .set(changes)
    .where(eq(apiKeys.prefix, key.slice(0, 12)));

test('a key says who asks: its workspace, its mode and its scopes', async () => {
  const rows = await connection.db.select().from(workspaces);
  const idOf = (name: string) => rows.find((row) => row.name === name)?.id;
  const apiKeyId = expect.stringMatching(/^key_/);
  expect(await ask(`Bearer ${TEST_KEY}`)).toEqual({
    workspaceId: idOf('default'),
    mode: 'TEST',
    scopes: ALL_SCOPES,
    apiKeyId,
  });
  expect(await ask(`bearer   ${LIVE_KEY}`)).toEqual({
    workspaceId: idOf('studio'),
    mode: 'LIVE',
    scopes: ALL_SCOPES,
    apiKeyId,
  });
});

test('no byte of a key beyond its prefix is stored anywhere in the database', async () => {
  const rows = await connection.db.execute<{ row: string }>(sql`
    select row_to_json(api_keys)::text as row from api_keys union all select row_to_json(workspaces)::text from workspaces`);
  const text = rows.map(({ row }) => row).join('\n');
  expect(text).toContain('"prefix":"sk_test_0123"');
  expect(text).not.toContain(TEST_KEY.slice(0, 13));
  expect(text).not.toContain(TEST_KEY.slice(13));
  const [stored] = await connection.db.select().from(apiKeys).where(eq(apiKeys.mode, 'TEST'));
  expect(stored?.hash).toMatch(/^[0-9a-f]{64}$/);
});

test.each<[string, () => Promise<unknown> | undefined, string | undefined, object]>([
  ['no key', () => undefined, undefined, { message: expect.stringContaining('A key is needed'), expired: false }],
  ['an empty header', () => undefined, '', { message: expect.stringContaining('A key is needed'), expired: false }],
  ['another scheme', () => undefined, 'Basic abc', { message: expect.stringContaining('"Bearer sk_…"') }],
  ['no scheme', () => undefined, TEST_KEY, { message: expect.stringContaining('"Bearer sk_…"') }],
  ['two keys', () => undefined, `Bearer ${TEST_KEY} ${LIVE_KEY}`, { expired: false }],
  ['an unknown key', () => undefined, `Bearer ${TEST_KEY}x`, { message: 'This key is not known, or was revoked.' }],
  ['the prefix of a key', () => undefined, `Bearer ${TEST_KEY.slice(0, 12)}`, { expired: false }],
  ['a key in other letters', () => undefined, `Bearer ${TEST_KEY.toUpperCase()}`, { expired: false }],
  ['a key with a NUL', () => undefined, `Bearer ${TEST_KEY}\0`, { expired: false }],
  [
    'a revoked key',
    () => change(TEST_KEY, { revokedAt: new Date() }),
    `Bearer ${TEST_KEY}`,
    { message: 'This key is not known, or was revoked.', expired: false },
  ],
  [
    'a key that was revoked and then expired',
    () => change(TEST_KEY, { revokedAt: new Date(), expiresAt: new Date() }),
    `Bearer ${TEST_KEY}`,
    { message: 'This key is not known, or was revoked.', expired: false },
  ],
  [
    'an expired key',
    () => change(TEST_KEY, { expiresAt: new Date(Date.now() - 1) }),
    `Bearer ${TEST_KEY}`,
    { message: 'This key has expired; use a fresh one.', expired: true },
  ],
])('%s is UNAUTHENTICATED', async (_what, prepare, authorization, fault) => {
  await prepare();
  const refusal = await ask(authorization).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(CredentialFault);
  expect(refusal).toMatchObject({ code: 'UNAUTHENTICATED', argument: 'authorization', ...fault });
});

test('a refusal never repeats the key', async () => {
  const refusal = await ask(`Bearer ${TEST_KEY}wrong`).catch((error: unknown) => String(error));
  expect(refusal).not.toContain('0123456789');
});

test('a key that expires later is good until then', async () => {
  await change(TEST_KEY, { expiresAt: new Date(Date.now() + 60_000) });
  expect(await ask(`Bearer ${TEST_KEY}`)).toMatchObject({ mode: 'TEST' });
});

test('in the open mode, no key is the workspace default in TEST mode with every scope; a wrong key is still wrong', async () => {
  const [home] = await connection.db.select().from(workspaces).where(eq(workspaces.name, 'default'));
  expect(await ask(undefined, true)).toEqual({
    workspaceId: home?.id,
    mode: 'TEST',
    scopes: ALL_SCOPES,
    apiKeyId: null,
  });
  await expect(ask('Bearer sk_test_wrong', true)).rejects.toBeInstanceOf(CredentialFault);
});

test('a second start changes no workspace and no key, and brings no revoked key back', async () => {
  await change(LIVE_KEY, { revokedAt: new Date() });
  const everything = async () => [
    await connection.db.select().from(workspaces).orderBy(workspaces.id),
    await connection.db.select().from(apiKeys).orderBy(apiKeys.id),
  ];
  const before = await everything();
  const keys = [
    { workspace: 'default', key: TEST_KEY },
    { workspace: 'studio', key: LIVE_KEY },
  ];
  await Promise.all([bootstrapWorkspaces(connection.db, keys), bootstrapWorkspaces(connection.db, keys)]);
  expect(await everything()).toEqual(before);
});

test('a caller finds its own workspace and keys, and none of another', async () => {
  const [mine, theirs] = [await ask(`Bearer ${TEST_KEY}`), await ask(`Bearer ${LIVE_KEY}`)];
  expect(await getWorkspace(connection, mine)).toMatchObject({ id: mine.workspaceId, name: 'default' });
  expect(await listApiKeys(connection, mine, [String(mine.apiKeyId)])).toMatchObject([
    {
      id: mine.apiKeyId,
      prefix: 'sk_test_0123',
      mode: 'TEST',
    },
  ]);
  expect(await listApiKeys(connection, mine, [String(theirs.apiKeyId)])).toEqual([]);
  expect(await listApiKeys(connection, mine, ['key_\0'])).toEqual([]);
});
