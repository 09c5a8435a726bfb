import postgres from 'postgres';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { bearer, create, LIVE_KEY, query, readUntil, TEST_KEY } from './client.ts';
import { type Service, startService } from './service.ts';
import { until } from './until.ts';
import { type Watching, watchBySse, watchByWebsocket } from './watch.ts';

interface Event {
  id: string;
  cursor: string;
  type: string;
  version: number;
  status: string;
  percent: number | null;
  taskStatus: string | null;
  generation: { id: string };
  task: { id: string } | null;
  asset: { id: string } | null;
}

interface Page {
  edges: { cursor: string; node: Event }[];
  cursor: string;
  pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string | null; endCursor: string | null };
}

const EVENT = `fragment Fact on Event {
  id cursor type at version status percent taskStatus
  generation { id } task { id } asset { id }
  failure { code } cost { basis providerCredits }
}`;
const PAGE = `cursor edges { cursor node { ...Fact } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }`;
const LIST = `query($first: Int! = 100, $after: Cursor, $filter: EventFilter) {
  events(first: $first, after: $after, filter: $filter) { ${PAGE} }
}
${EVENT}`;
const FOLLOW = `subscription($after: Cursor, $filter: EventFilter) { events(after: $after, filter: $filter) { ...Fact } } ${EVENT}`;
const STRANGER_KEY = 'sk_test_of-the-workspace-acme';

let service: Service;
/** A cursor of createGeneration. */
let versionOfOne: string;
beforeAll(async () => {
  const keys = `${TEST_KEY},${LIVE_KEY},acme:${STRANGER_KEY}`;
  service = await startService({ BOOTSTRAP_API_KEY: keys });
});
afterAll(() => service?.stop());

test('what is followed over WebSocket and over SSE is what the query and the generation list, in the same order', async () => {
  const begin = (await list()).cursor;
  const watchings = [follow(watchByWebsocket, { after: begin }), follow(watchBySse, { after: begin })];
  const made = await Promise.all([1, 2].map((images) => order(`${images} herons`, images)));
  const { edges, pageInfo, cursor } = await list({ after: begin });
  const listed = edges.map(({ node }) => node);
  for (const watching of watchings) expect(await received(watching, listed.length)).toEqual(listed);
  expect(edges.map((edge) => edge.cursor)).toEqual(listed.map((event) => event.cursor));
  expect(pageInfo).toEqual({
    hasNextPage: false,
    hasPreviousPage: false,
    startCursor: listed[0]?.cursor,
    endCursor: cursor,
  });
  for (const { id, version, tasks, assets } of made) {
    const own = listed.filter(({ generation }) => generation.id === id);
    expect(own.map((event) => event.version)).toEqual(Array.from({ length: version }, (_, i) => i + 1));
    expect(own[0]).toMatchObject({ type: 'GENERATION_CREATED', status: 'QUEUED', task: null, asset: null });
    expect(own.at(-1)).toMatchObject({ type: 'GENERATION_FINISHED', status: 'SUCCEEDED', percent: 100 });
    const stored = own.filter(({ type }) => type === 'ASSET_STORED').map(({ asset }) => asset?.id);
    expect(stored.sort()).toEqual(assets.map((asset) => asset.id).sort());
    const moved = own.filter(({ type }) => type === 'TASK_CHANGED');
    expect(new Set(moved.map(({ task }) => task?.id))).toEqual(new Set(tasks.map((task) => task.id)));
    expect(moved.map(({ taskStatus }) => taskStatus)).toEqual(expect.arrayContaining(['SUBMITTING', 'SUCCEEDED']));
    expect(await eventsOf(id)).toMatchObject({ events: own, pageInfo: { hasNextPage: false, hasPreviousPage: false } });
    const [first, ...rest] = own;
    const next = await eventsOf(id, { first: 2, after: first?.cursor });
    expect([next.events, next.cursor]).toEqual([rest.slice(0, 2), rest[1]?.cursor]);
    expect(next.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: true });
  }
});

test('a client that comes back with the cursor of its last event misses nothing and meets nothing twice', async () => {
  const begin = (await list()).cursor;
  const before = follow(watchByWebsocket, { after: begin });
  await order('a wren');
  const met = (await received(before, 3)).slice(0, 3);
  before.leave();
  await order('a robin');
  const all = await list({ after: begin });
  const after = follow(watchBySse, { after: met[2]?.cursor });
  met.push(...(await received(after, all.edges.length - 3)));
  expect(met).toEqual(all.edges.map(({ node }) => node));
});

test('an EventSource that comes back says where it was in a header, which wins over the URL', async () => {
  const { edges } = await list();
  const [first, second, third] = edges.map(({ node }) => node);
  const response = await fetch(`${service.url}/graphql`, {
    method: 'POST',
    headers: {
      ...bearer(TEST_KEY),
      accept: 'text/event-stream',
      'content-type': 'application/json',
      'last-event-id': second?.cursor ?? '',
    },
    body: JSON.stringify({ query: FOLLOW, variables: { after: first?.cursor } }),
  });
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString();
    if (text.includes('"events"')) break;
  }
  const [, data = '{}'] = /data: ?(\{.*\})/.exec(text) ?? [];
  expect(JSON.parse(data)).toEqual({ data: { events: third } });
});

test('a client that polls goes on from `cursor`, and misses nothing even after an empty page', async () => {
  let { cursor } = await list();
  const empty = await list({ after: cursor });
  const strangers = await list({}, STRANGER_KEY);
  expect((await list({ after: strangers.cursor }, STRANGER_KEY)).pageInfo.hasPreviousPage).toBe(false);
  expect(empty).toEqual({
    edges: [],
    cursor,
    pageInfo: { hasNextPage: false, hasPreviousPage: true, startCursor: null, endCursor: cursor },
  });
  const begin = cursor;
  await order('an owl');
  const met: Event[] = [];
  for (let more = true; more; ) {
    const page = await list({ first: 2, after: cursor });
    expect(page.pageInfo.endCursor).toBe(page.cursor);
    met.push(...page.edges.map(({ node }) => node));
    [cursor, more] = [page.cursor, page.pageInfo.hasNextPage];
  }
  expect(met).toEqual((await list({ after: begin })).edges.map(({ node }) => node));
});

test('a filter keeps what matches, and its cursor passes over what does not', async () => {
  const begin = (await list()).cursor;
  const [one, two] = [await order('a swan'), await order('a goose')];
  const all = (await list({ after: begin })).edges.map(({ node }) => node);
  const filters: [Record<string, unknown>, (event: Event) => boolean][] = [
    [{ types: ['ASSET_STORED', 'GENERATION_FINISHED'] }, ({ type }) => /STORED|FINISHED/.test(type)],
    [{ generationIds: [two.id] }, ({ generation }) => generation.id === two.id],
    [{ types: ['GENERATION_CREATED'], generationIds: [one.id, 'gen_x', '\0'] }, ({ id }) => id === all[0]?.id],
    [{ types: ['ASSET_DELETED'] }, () => false],
    [{ types: [] }, () => false],
    [{ generationIds: [] }, () => false],
  ];
  const { cursor: end } = await list({ after: begin });
  for (const [filter, holds] of filters) {
    const page = await list({ after: begin, filter });
    expect(page.edges.map(({ node }) => node)).toEqual(all.filter(holds));
    expect([page.cursor, page.pageInfo.hasNextPage]).toEqual([end, false]);
  }
  const watching = follow(watchByWebsocket, { after: begin, filter: { types: ['GENERATION_FINISHED'] } });
  expect((await received(watching, 2)).map(({ generation }) => generation.id)).toEqual([one.id, two.id]);
});

test('an event is read again by its id, and is nowhere for another workspace or the other mode', async () => {
  const [first] = (await list()).edges;
  const generation = { id: first?.node.generation.id ?? '' };
  const { events } = await eventsOf(generation.id);
  expect(events.length).toBeGreaterThan(3);
  const ids = events.map(({ id }) => id);
  const NODES = `query($ids: [ID!]!) { nodes(ids: $ids) { ...Fact } } ${EVENT}`;
  const mine = await query<{ nodes: Event[] }>(service.url, NODES, { ids });
  expect(mine.data.nodes).toEqual(events);
  for (const key of [STRANGER_KEY, LIVE_KEY]) {
    const theirs = await query<{ nodes: null[] }>(service.url, NODES, { ids }, bearer(key));
    expect(theirs.data.nodes).toEqual(ids.map(() => null));
    expect((await list({ filter: { generationIds: [generation.id] } }, key)).edges).toEqual([]);
    expect((await list({}, key)).edges).toEqual([]);
  }
});

test('what cannot be meant is a fault that names the argument', async () => {
  const { cursor } = await list();
  const page = await query<{ generations: { pageInfo: { endCursor: string } } }>(
    service.url,
    '{ generations(first: 1) { pageInfo { endCursor } } }',
  );
  const refused: [Record<string, unknown>, string, string?][] = [
    [{ first: 0 }, 'first'],
    [{ first: 101 }, 'first'],
    [{ after: 'nonsense' }, 'after'],
    [{ after: versionOfOne }, 'after'],
    [{ after: page.data.generations.pageInfo.endCursor }, 'after'],
    [{ after: cursor }, 'after', STRANGER_KEY],
    [{ filter: { generationIds: Array(101).fill('gen_x') } }, 'filter'],
  ];
  for (const [variables, argument, key = TEST_KEY] of refused) {
    const { errors } = await query(service.url, LIST, variables, bearer(key));
    expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT', argument } }]);
    if ('first' in variables) continue;
    const watching = watchByWebsocket(service.url, variables, FOLLOW, key);
    await until(() => watching.messages.length, Boolean);
    expect(watching.messages).toMatchObject([{ errors: [{ extensions: { code: 'BAD_USER_INPUT', argument } }] }]);
    watching.leave();
  }
});

test('a cursor older than EVENT_RETENTION_HOURS is CURSOR_EXPIRED everywhere, and the generations are still there', async () => {
  const generation = await order('a dodo');
  const [first] = (await eventsOf(generation.id)).events;
  const sql = postgres(service.databaseUrl, { max: 1 });
  onTestFinished(() => sql.end());
  await sql`update events set at = at - interval '61 minutes'`;
  const database = { DATABASE_URL: service.databaseUrl, SANDBOX_URL: service.sandboxUrl };
  const keeper = await startService({ ...database, ROLE: 'worker', EVENT_RETENTION_HOURS: '1' });
  onTestFinished(() => keeper.stop());
  await until(
    () => sql`select count(*)::int as n from events`,
    ([row]) => row?.n === 0,
  );
  const expired = [{ message: expect.stringContaining('`generations`'), extensions: { code: 'CURSOR_EXPIRED' } }];
  const variables = { after: first?.cursor };
  expect((await query(service.url, LIST, variables)).errors).toMatchObject(expired);
  const watching = watchByWebsocket(service.url, variables, FOLLOW);
  await until(() => watching.messages.length, Boolean);
  expect(watching.messages).toMatchObject([{ errors: expired }]);
  watching.leave();
  const own = 'query($id: ID!, $after: Cursor) { generation(id: $id) { events(after: $after) { cursor } } }';
  expect((await query(service.url, own, { ...variables, id: generation.id })).errors).toMatchObject(expired);
  expect(await readUntil(service.url, generation.id)).toMatchObject({ id: generation.id, status: 'SUCCEEDED' });
  const { edges, cursor } = await list();
  expect(edges).toEqual([]);
  await order('a phoenix');
  expect((await list({ after: cursor })).edges.length).toBeGreaterThan(3);
});

/** A finished generation whose every event is in the feed. */
async function order(prompt: string, images = 1) {
  const { generation, cursor } = await create(service.url, { prompt: `${prompt} [[slow=0]]`, images });
  versionOfOne = cursor;
  const final = await readUntil(service.url, generation.id);
  await until(
    () => eventsOf(final.id),
    ({ events }) => events.at(-1)?.version === final.version,
  );
  return final;
}

async function list(variables: Record<string, unknown> = {}, key = TEST_KEY): Promise<Page> {
  const { data, errors } = await query<{ events: Page }>(service.url, LIST, variables, bearer(key));
  expect(errors).toEqual([]);
  return data.events;
}

async function eventsOf(id: string, { first = 50, after }: { first?: number; after?: string | undefined } = {}) {
  const document = `query($id: ID!, $first: Int!, $after: Cursor) {
    generation(id: $id) { events(first: $first, after: $after) { ${PAGE} } }
  } ${EVENT}`;
  const { data, errors } = await query<{ generation: { events: Page } }>(service.url, document, { id, first, after });
  expect(errors).toEqual([]);
  const { edges, ...page } = data.generation.events;
  return { ...page, events: edges.map(({ node }) => node) };
}

type Following = Watching<{ events: Event }>;

function follow(watch: typeof watchBySse, variables: Record<string, unknown>): Following {
  const watching = watch<{ events: Event }>(service.url, variables, FOLLOW);
  onTestFinished(() => watching.leave());
  return watching;
}

async function received(watching: Following, count: number): Promise<Event[]> {
  const messages = await until(
    () => watching.messages,
    ({ length }) => length >= count,
  );
  return messages.map(({ data, errors }) => {
    if (!data) throw new Error(`no data: ${JSON.stringify(errors)}`);
    return data.events;
  });
}
