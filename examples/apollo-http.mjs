// Creates a generation and follows it to its end with Apollo Client over HTTP (multipart subscriptions):
//   node examples/apollo-http.mjs "A lighthouse at dusk" my-idempotency-key
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApolloClient, CombinedGraphQLErrors, gql, HttpLink, InMemoryCache } from '@apollo/client';

const url = process.env.DARKROOM_URL ?? 'http://127.0.0.1:4000/graphql';
const key = process.env.DARKROOM_KEY;
const [prompt = 'A lighthouse at dusk', idempotencyKey = randomUUID()] = process.argv.slice(2);

const link = new HttpLink({ uri: url, headers: key ? { authorization: `Bearer ${key}` } : {} });
const client = new ApolloClient({ link, cache: new InMemoryCache() });

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

const { data } = await client.mutate({ mutation: CREATE, variables: { input: { prompt, idempotencyKey } } });
const { generation, cursor, errors } = data.createGeneration;
if (!generation) throw new Error(errors[0].message);

// Apollo Client does not reconnect over HTTP: subscribe again after a drop, from the last message seen.
let after = cursor;
while (!(await follow())) await sleep(1000);

/** Whether the end was reached; false when the connection was lost on the way. */
function follow() {
  return new Promise((resolve, reject) => {
    let done = false;
    client.subscribe({ query: WATCH, variables: { id: generation.id, after } }).subscribe({
      next({ data, error }) {
        if (CombinedGraphQLErrors.is(error)) return reject(error);
        if (error) return console.error(error.message);
        show(data.generationUpdated);
        after = data.generationUpdated.cursor;
        done = data.generationUpdated.final;
      },
      complete: () => resolve(done),
    });
  });
}

function show({ final, generation }) {
  console.log(generation.status, generation.progress.percent);
  if (!final) return;
  if (generation.failure) throw new Error(generation.failure.message);
  for (const { url } of generation.assets) if (url) console.log(url.uri);
}
