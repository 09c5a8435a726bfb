import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, onTestFinished, test } from 'vitest';
import { startChild } from '../service/child.ts';
import { bearer, query } from '../service/client.ts';
import { makeFolder } from '../service/folder.ts';
import { until } from '../service/until.ts';
import { type Example, runExample } from './example.ts';
import { type CuttingProxy, startProxy } from './proxy.ts';

const KEY = 'sk_test_of-the-workspace-clients';

/** Each client that watches, and where it begins again after a drop: as its `after`, or in the header Last-Event-ID. */
const WATCHERS = {
  'graphql-ws.mjs': 'the last message',
  'graphql-sse.mjs': 'the last message',
  'event-source.mjs': 'the last message',
  'apollo-http.mjs': 'the last message',
  'apollo-websocket.mjs': 'the creation',
  'urql-sse.mjs': 'the last message',
  'urql-websocket.mjs': 'the creation',
};
const OTHERS = ['polling.mjs', 'polling-events.mjs', 'gql-tada/watch.ts'];
const PICTURE = '2048x2048';

test('every example, run as it stands against a service as it stands, comes to a stored picture, the watching ones although their connection is cut', async () => {
  const folder = await tempFolder();
  const service = await startChild({ DATA_DIR: join(folder, 'data'), BOOTSTRAP_API_KEY: `clients:${KEY}` });
  const watchers = Object.entries(WATCHERS);
  const plain = (file: string) => runExample(file, ['A lighthouse [[slow=0]]', file, 'saved.jpg'], service, folder);

  // In turn, since each takes a core while it starts; what they wait for overlaps.
  const early = waitForService(service.url);
  const finish = [];
  for (const [file] of watchers) finish.push(await cutOff(file, service.url));
  const cut = Promise.all(finish.map((outcome) => outcome()));
  const uncut = [];
  for (const file of OTHERS) uncut.push(await outcomeOf(plain(file)));
  const curl = plain('curl.sh');

  const good = { code: 0, picture: PICTURE };
  expect(await cut).toEqual(
    watchers.map(([file, resumedFrom]) => ({ file, ...good, status: 'SUCCEEDED', resumedFrom })),
  );
  expect([await early, ...uncut]).toEqual(['early', ...uncut].map(() => ({ ...good, complaints: '' })));
  expect({ code: await curl.ended, last: curl.lines().at(-1) }).toEqual({ code: 0, last: 'saved as saved.jpg' });
  expect(await sizeOf(await readFile(join(folder, 'saved.jpg')))).toBe(PICTURE);
}, 60_000);

/** Runs an example until a proxy ends all its connections in the middle; gives how to wait for what came of it. */
async function cutOff(file: string, url: string): Promise<() => Promise<object>> {
  const proxy = await proxyTo(url);
  const example = runExample(file, ['A lighthouse [[slow=3]]', file], { url: proxy.url, key: KEY });
  await until(example.lines, (lines) => lines.length >= 3, 30_000);
  proxy.cut();
  return async () => {
    const { code, picture } = await outcomeOf(example);
    return { file, code, picture, status: await statusOf(url, file), resumedFrom: resumedFrom(proxy) };
  };
}

/** As the workspace of the key sees it: the key was used for everything. */
async function statusOf(url: string, idempotencyKey: string): Promise<string | undefined> {
  const { data } = await query<{ generation: { status: string } | null }>(
    url,
    'query Mine($key: String) { generation(idempotencyKey: $key) { status } }',
    { key: idempotencyKey },
    bearer(KEY),
  );
  return data.generation?.status;
}

/** Runs one through a proxy that refuses its first connection, as a service does that is being restarted. */
async function waitForService(url: string): Promise<object> {
  const proxy = await proxyTo(url, 1);
  return outcomeOf(runExample('graphql-ws.mjs', ['A lighthouse [[slow=0]]'], proxy));
}

async function tempFolder(): Promise<string> {
  const folder = await makeFolder();
  onTestFinished(folder.remove);
  return folder.path;
}

async function proxyTo(url: string, refused = 0): Promise<CuttingProxy> {
  const proxy = await startProxy(url, refused);
  onTestFinished(proxy.stop);
  return proxy;
}

/** How it ended, and the picture behind the last line it wrote. */
async function outcomeOf(example: Example): Promise<{ code: number | null; complaints: string; picture: string }> {
  const code = await example.ended;
  const link = example.lines().at(-1) ?? '';
  const response = link.startsWith('http') ? await fetch(link) : null;
  const picture = response?.ok ? await sizeOf(Buffer.from(await response.arrayBuffer())) : `no picture: ${link}`;
  return { code, complaints: example.complaints(), picture };
}

async function sizeOf(bytes: Buffer): Promise<string> {
  const { width, height } = await sharp(bytes).metadata();
  return `${width}x${height}`;
}

/** What the subscription that followed the cut began with, seen on the wire. */
function resumedFrom(proxy: CuttingProxy): string {
  const places = proxy
    .sent()
    .flatMap((text) => [...text.matchAll(/last-event-id: (\S+)|after(?:":"|%22%3A%22)([\w-]+)/gi)])
    .map(([, header, variable]) => header ?? variable);
  const [first, ...later] = places;
  if (later.length === 0) return 'nowhere';
  return later.every((place) => place === first) ? 'the creation' : 'the last message';
}
