import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buildSchema, parse } from 'graphql';
import { createSchema, createYoga } from 'graphql-yoga';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { answers } from '../../src/http/answer.ts';
import { madeOnce } from '../../src/http/made-once.ts';
import { subscribe } from '../../src/http/subscribe.ts';
import { openStream } from './open-stream.ts';

test('an answer that cannot be written cuts its stream, stops the source and is logged; the process goes on', async () => {
  const logged: string[] = [];
  const log = pino({}, { write: (line: string) => void logged.push(JSON.parse(line).msg) });
  const { source, counts } = sourceOf(() => ({ value: 1n }));
  const schema = createSchema<{ res: ServerResponse }>({
    typeDefs: 'scalar Any type Query { value: Any } type Subscription { value: Any }',
    resolvers: { Subscription: { value: { subscribe: () => source } } },
  });
  const plugins = [
    {
      onSubscribe: ({ setSubscribeFn }: { setSubscribeFn(given: typeof subscribe): void }) => setSubscribeFn(subscribe),
    },
    answers({ heartbeatMs: 1_000 }, log),
  ];
  const yoga = createYoga<{ res: ServerResponse }>({ schema, plugins, logging: false });
  const server = createServer((req, res) => void yoga(req, res, { res })).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');

  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
  // Cut before its head or after, as it comes; a GET would be sent again.
  const headers = { accept: 'text/event-stream', 'content-type': 'application/json' };
  const body = JSON.stringify({ query: 'subscription { value }' });
  const told = await openStream(url, { method: 'POST', headers, body })
    .then(({ ended }) => ended)
    .catch(() => 'cut');
  expect(told).toBe('cut');
  expect([counts.stopped, logged]).toEqual([1, ['a stream failed']]);
});

test.each([
  ['an event that cannot be answered at all', () => ({}), 'Query root type must be provided.'],
  [
    'a source that fails',
    () => {
      throw new Error('It failed.');
    },
    'It failed.',
  ],
])('%s ends the messages and stops the source', async (_name, give, message) => {
  const { source, counts } = sourceOf(give);
  const schema = buildSchema('type Query { n: Int } type Subscription { n: Int }');
  const args = { schema, document: parse('subscription { n }'), rootValue: { n: () => source } };
  const messages = await subscribe(args);
  if (!(Symbol.asyncIterator in messages)) throw new Error(JSON.stringify(messages));
  args.schema = buildSchema('type Subscription { n: Int }');
  await expect(messages.next()).rejects.toThrow(message);
  expect(counts.stopped).toBe(1);
});

test('what could not be made is made anew for the next who asks, and then kept', async () => {
  let tries = 0;
  const get = madeOnce(async () => {
    tries += 1;
    if (tries === 1) throw new Error('It was the first time.');
    return { tries };
  });
  await Promise.all([1, 2].map(() => expect(get()).rejects.toThrow('It was the first time.')));
  expect(await Promise.all([get(), get()])).toEqual([{ tries: 2 }, { tries: 2 }]);
  expect(await get()).toBe(await get());
});

function sourceOf(give: () => object) {
  const counts = { stopped: 0 };
  const source = {
    next: async () => ({ value: give(), done: false }),
    return: async () => {
      counts.stopped += 1;
      return { value: undefined, done: true };
    },
    [Symbol.asyncIterator]: () => source,
  };
  return { source, counts };
}
