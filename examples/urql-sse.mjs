// Creates a generation and follows it to its end with urql over Server-Sent Events:
//   node examples/urql-sse.mjs "A lighthouse at dusk" my-idempotency-key
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, fetchExchange, gql } from '@urql/core';

const url = process.env.DARKROOM_URL ?? 'http://127.0.0.1:4000/graphql';
const key = process.env.DARKROOM_KEY;
const [prompt = 'A lighthouse at dusk', idempotencyKey = randomUUID()] = process.argv.slice(2);

const client = new Client({
  url,
  exchanges: [fetchExchange],
  fetchSubscriptions: true,
  fetchOptions: () => ({ headers: key ? { authorization: `Bearer ${key}` } : {} }),
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

// urql does not reconnect over HTTP: subscribe again after a drop, from the last message seen.
let after = cursor;
while (!(await follow())) await sleep(1000);

/** Whether the end was reached; false when the connection was lost on the way. */
function follow() {
  return new Promise((resolve, reject) => {
    let done = false;
    client.subscription(WATCH, { id: generation.id, after }).subscribe(({ data, error, hasNext }) => {
      if (error?.graphQLErrors.length) return reject(error);
      // The stream is over: urql gives an error, or the last result once more.
      if (error || !hasNext) return resolve(done);
      show(data.generationUpdated);
      after = data.generationUpdated.cursor;
      done = data.generationUpdated.final;
    });
  });
}

function show({ final, generation }) {
  console.log(generation.status, generation.progress.percent);
  if (!final) return;
  if (generation.failure) throw new Error(generation.failure.message);
  for (const { url } of generation.assets) if (url) console.log(url.uri);
}
