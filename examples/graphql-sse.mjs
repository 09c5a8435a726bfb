// Creates a generation and follows it to its end over Server-Sent Events:
//   node examples/graphql-sse.mjs "A lighthouse at dusk" my-idempotency-key
import { randomUUID } from 'node:crypto';
import { createClient } from 'graphql-sse';

const url = process.env.DARKROOM_URL ?? 'http://127.0.0.1:4000/graphql';
const key = process.env.DARKROOM_KEY;
const [prompt = 'A lighthouse at dusk', idempotencyKey = randomUUID()] = process.argv.slice(2);

const client = createClient({
  url,
  headers: () => (key ? { authorization: `Bearer ${key}` } : {}),
});

const create = /* GraphQL */ `
  mutation Create($input: CreateGenerationInput!) {
    createGeneration(input: $input) { generation { id } cursor errors { code message path } }
  }
`;
const watch = /* GraphQL */ `
  subscription Watch($id: ID!, $after: Cursor) {
    generationUpdated(id: $id, after: $after) {
      cursor
      final
      generation { status progress { percent } assets { url { uri } } failure { code message } }
    }
  }
`;

// Sent again by the client when the connection drops: the key makes it one purchase.
const ordered = await first(client.iterate({ query: create, variables: { input: { prompt, idempotencyKey } } }));
const { generation, cursor, errors } = ordered.data.createGeneration;
if (!generation) throw new Error(errors[0].message);

// After a drop the client sends these variables again, so they name the last message seen.
const variables = { id: generation.id, after: cursor };
for await (const { data, errors } of client.iterate({ query: watch, variables })) {
  if (!data) throw new Error(errors[0].message);
  const { generation, cursor, final } = data.generationUpdated;
  variables.after = cursor;
  console.log(generation.status, generation.progress.percent);
  if (!final) continue;
  if (generation.failure) throw new Error(generation.failure.message);
  for (const { url } of generation.assets) if (url) console.log(url.uri);
}

async function first(results) {
  for await (const result of results) return result;
}
