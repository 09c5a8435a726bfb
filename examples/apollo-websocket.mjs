// Creates a generation and follows it to its end with Apollo Client over WebSocket:
//   node examples/apollo-websocket.mjs "A lighthouse at dusk" my-idempotency-key
import { randomUUID } from 'node:crypto';
import { ApolloClient, gql, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';

const url = process.env.DARKROOM_URL ?? 'http://127.0.0.1:4000/graphql';
const key = process.env.DARKROOM_KEY;
const [prompt = 'A lighthouse at dusk', idempotencyKey = randomUUID()] = process.argv.slice(2);

const socket = createClient({
  url: url.replace(/^http/, 'ws'),
  webSocketImpl: WebSocket, // only where there is none, as in Node 20
  connectionParams: () => (key ? { authorization: `Bearer ${key}` } : {}),
  shouldRetry: () => true, // also when the service cannot be reached; 4401, a wrong key, is final all the same
});
const client = new ApolloClient({ link: new GraphQLWsLink(socket), cache: new InMemoryCache() });

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

// Sent again by the socket's client when it drops: the key makes it one purchase.
const { data } = await client.mutate({ mutation: CREATE, variables: { input: { prompt, idempotencyKey } } });
const { generation, cursor, errors } = data.createGeneration;
if (!generation) throw new Error(errors[0].message);

// After a drop the same variables are sent again: at most the state that is already here is sent twice.
const watching = client.subscribe({ query: WATCH, variables: { id: generation.id, after: cursor } });
watching.subscribe(({ data, error }) => {
  if (error) throw error;
  const { final, generation } = data.generationUpdated;
  console.log(generation.status, generation.progress.percent);
  if (!final) return;
  if (generation.failure) throw new Error(generation.failure.message);
  for (const { url } of generation.assets) if (url) console.log(url.uri);
});
