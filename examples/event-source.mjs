// Creates a generation with fetch and follows it to its end with an EventSource:
//   node examples/event-source.mjs "A lighthouse at dusk" my-idempotency-key
import { randomUUID } from 'node:crypto';
import { EventSource } from 'eventsource'; // a browser has its own, without a way to send a key

const url = process.env.DARKROOM_URL ?? 'http://127.0.0.1:4000/graphql';
const key = process.env.DARKROOM_KEY;
const [prompt = 'A lighthouse at dusk', idempotencyKey = randomUUID()] = process.argv.slice(2);
const credentials = key ? { authorization: `Bearer ${key}` } : {};

const create = /* GraphQL */ `
  mutation Create($input: CreateGenerationInput!) {
    createGeneration(input: $input) { generation { id } cursor errors { code message path } }
  }
`;
const watch = /* GraphQL */ `
  subscription Watch($id: ID!, $after: Cursor) {
    generationUpdated(id: $id, after: $after) {
      final
      generation { status progress { percent } assets { url { uri } } failure { code message } }
    }
  }
`;

const response = await fetch(url, {
  method: 'POST',
  headers: { 'content-type': 'application/json', ...credentials },
  body: JSON.stringify({ query: create, variables: { input: { prompt, idempotencyKey } } }),
});
const ordered = await response.json();
if (!ordered.data) throw new Error(ordered.errors[0].message);
const { generation, cursor, errors } = ordered.data.createGeneration;
if (!generation) throw new Error(errors[0].message);

// It reconnects by itself and sends the id of the last event, the cursor, as Last-Event-ID.
const variables = JSON.stringify({ id: generation.id, after: cursor });
const source = new EventSource(`${url}?${new URLSearchParams({ query: watch, variables })}`, {
  fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, ...credentials } }),
});
source.addEventListener('next', ({ data: text }) => {
  const { data, errors } = JSON.parse(text);
  if (!data || data.generationUpdated.final) source.close();
  if (!data) throw new Error(errors[0].message);
  const { final, generation } = data.generationUpdated;
  console.log(generation.status, generation.progress.percent);
  if (!final) return;
  if (generation.failure) throw new Error(generation.failure.message);
  for (const { url } of generation.assets) if (url) console.log(url.uri);
});
