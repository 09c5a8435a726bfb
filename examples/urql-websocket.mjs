// Creates a generation and follows it to its end with urql over WebSocket:
//   node examples/urql-websocket.mjs "A lighthouse at dusk" my-idempotency-key
import { randomUUID } from 'node:crypto';
import { Client, fetchExchange, gql, subscriptionExchange } from '@urql/core';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';

const url = process.env.DARKROOM_URL ?? 'http://127.0.0.1:4000/graphql';
const key = process.env.DARKROOM_KEY;
const [prompt = 'A lighthouse at dusk', idempotencyKey = randomUUID()] = process.argv.slice(2);
const credentials = key ? { authorization: `Bearer ${key}` } : {};

const socket = createClient({
  url: url.replace(/^http/, 'ws'),
  webSocketImpl: WebSocket, // only where there is none, as in Node 20
  connectionParams: () => credentials,
  shouldRetry: () => true, // also when the service cannot be reached; 4401, a wrong key, is final all the same
});
const client = new Client({
  url,
  fetchOptions: () => ({ headers: credentials }),
  exchanges: [
    fetchExchange,
    subscriptionExchange({
      forwardSubscription: ({ query, variables }) => ({
        subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query, variables }, sink) }),
      }),
    }),
  ],
});

const CREATE = gql`
  mutation Create($input: CreateGenerationInput!) {
    createGeneration(input: $input) { generation { id } cursor errors { code message path } }
  }
`;
const WATCH = gql`
  subscription Watch($id: ID!, $after: Cursor) {
    generationUpdated(id: $id, after: $after) {
      cursor
      final
      generation { id version status progress { percent } assets { id url { uri } } failure { code message } }
    }
  }
`;

const { data, error } = await client.mutation(CREATE, { input: { prompt, idempotencyKey } });
if (error) throw error;
const { generation, cursor, errors } = data.createGeneration;
if (!generation) throw new Error(errors[0].message);

// After a drop the same variables are sent again: at most the state that is already here is sent twice.
client.subscription(WATCH, { id: generation.id, after: cursor }).subscribe(({ data, error, hasNext }) => {
  if (error) throw error;
  const { generation } = data.generationUpdated;
  if (hasNext) return console.log(generation.status, generation.progress.percent);
  // The stream is complete: urql gives the last result, the final one, once more.
  if (generation.failure) throw new Error(generation.failure.message);
  for (const { url } of generation.assets) if (url) console.log(url.uri);
});
