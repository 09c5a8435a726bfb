import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { create, type Generation, only, query, read, readUntil } from './client.ts';
import { type Service, startService } from './service.ts';
import { until } from './until.ts';
import { updatesOf, watchBySse, watchByWebsocket } from './watch.ts';

interface Fact {
  type: string;
  version: number;
  status: string;
}

interface Canceled {
  id: string;
  status: string;
  cancelability: string;
  failure: { code: string; billed: string; message: string } | null;
  cost: { basis: string };
}

const FOLLOW = `subscription($after: Cursor, $ids: [ID!]) {
  events(after: $after, filter: { generationIds: $ids }) { type version status }
}`;
const MONEY = 'id status cancelability failure { code billed message } cost { basis }';

let service: Service;
beforeAll(async () => {
  service = await startService({ DEADLINE_MS: '1500' });
});
afterAll(() => service?.stop());

test.concurrent('what missed its deadline has its picture later: in its slot, served, told in order, also to who comes back', async () => {
  const after = await feedCursor();
  const { generation } = await create(service.url, { prompt: 'A lighthouse [[slow=3]]' });
  const { id } = generation;
  const events = watchByWebsocket<{ events: Fact }>(service.url, { after, ids: [id] }, FOLLOW);
  const watching = watchByWebsocket(service.url, { id });
  await watching.completed;
  const last = updatesOf(watching).at(-1);
  const failure = { code: 'DEADLINE_EXCEEDED', billed: 'UNKNOWN' };
  expect(last).toMatchObject({ final: true, generation: { status: 'FAILED', failure, assets: [] } });

  const late = await readUntil(service.url, id, isLate);
  await expectAdded(last?.generation, late);
  const told = await until(
    () => events.messages.flatMap(({ data }) => data?.events ?? []),
    (facts) => facts.some(({ type }) => type === 'ASSET_STORED'),
  );
  events.leave();
  expect(told.map(({ version }) => version)).toEqual(told.map((_, i) => i + 1));
  expect(told.slice((last?.generation.version ?? 0) - 1)).toEqual([
    { type: 'GENERATION_FINISHED', version: last?.generation.version, status: 'FAILED' },
    { type: 'TASK_CHANGED', version: late.version - 1, status: 'FAILED' },
    { type: 'ASSET_STORED', version: late.version, status: 'FAILED' },
  ]);

  const back = watchBySse(service.url, { id, after: last?.cursor });
  await back.completed;
  const update = only(updatesOf(back));
  expect(update).toMatchObject({ kind: 'CHANGE', final: true, generation: { ...late, assets: [{ state: 'STORED' }] } });
  const again = watchByWebsocket(service.url, { id, after: update.cursor });
  await again.completed;
  expect(again.messages).toEqual([]);
});

test.concurrent('what was canceled while it was made says before and after what it may cost, and its picture is kept', async () => {
  const { generation } = await create(service.url, { prompt: 'A ferry [[slow=3]]', deadlineSeconds: 60 });
  const { id } = generation;
  await readUntil(service.url, id, ({ tasks }) => tasks[0]?.providerTaskId != null);
  const before = await query<{ generation: Canceled }>(
    service.url,
    `query($id: ID!) { generation(id: $id) { ${MONEY} } }`,
    { id },
  );
  expect(before.data.generation).toMatchObject({ cancelability: 'MAY_BE_BILLED', failure: null });
  const document = `mutation($id: ID!) { cancelGeneration(id: $id) { generation { ${MONEY} } errors { code } } }`;
  const { data } = await query<{ cancelGeneration: unknown }>(service.url, document, { id });
  const message = expect.stringContaining('may bill it all the same');
  expect(data.cancelGeneration).toEqual({
    generation: {
      id,
      status: 'CANCELED',
      cancelability: 'IMPOSSIBLE',
      failure: { code: 'CANCELED', billed: 'UNKNOWN', message },
      cost: { basis: 'UNKNOWN' },
    },
    errors: [],
  });
  const canceled = await read(service.url, id);
  await expectAdded(canceled, await readUntil(service.url, id, isLate));
});

/** Where the feed ends now. */
async function feedCursor(): Promise<string> {
  const { data } = await query<{ events: { cursor: string } }>(service.url, '{ events(first: 100) { cursor } }');
  return data.events.cursor;
}

function isLate({ assets }: Generation): boolean {
  return assets.some(({ state }) => state === 'STORED');
}

/** `late` is what `ended` was, and a picture in the slot whose failure stays told on the generation. */
async function expectAdded(ended: Generation | undefined, late: Generation): Promise<void> {
  const { status, failure, finishedAt, progress, version = 0 } = ended ?? {};
  expect(late).toMatchObject({ status, failure, finishedAt, progress });
  expect(late.version).toBeGreaterThan(version);
  const asset = only(late.assets);
  expect(late.slots).toEqual([{ index: 0, asset: { id: asset.id }, failure: null }]);
  const response = await fetch(asset.url?.uri ?? '');
  const bytes = Buffer.from(await response.arrayBuffer());
  expect([response.status, response.headers.get('content-type')]).toEqual([200, asset.mimeType]);
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(asset.sha256);
}
