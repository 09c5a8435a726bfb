// Creates a generation and reads the log of all that happens to it until its end, with nothing but fetch:
//   node examples/polling-events.mjs "A lighthouse at dusk" my-idempotency-key
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

const url = process.env.DARKROOM_URL ?? 'http://127.0.0.1:4000/graphql';
const key = process.env.DARKROOM_KEY;
const [prompt = 'A lighthouse at dusk', idempotencyKey = randomUUID()] = process.argv.slice(2);

const create = /* GraphQL */ `
  mutation Create($input: CreateGenerationInput!) {
    createGeneration(input: $input) { generation { id } errors { code message path } }
  }
`;
const log = /* GraphQL */ `
  query Log($id: ID!, $after: Cursor) {
    events(filter: { generationIds: [$id] }, after: $after) {
      edges { node { type status percent generation { assets { url { uri } } failure { message } } } }
      cursor
      pageInfo { hasNextPage }
    }
  }
`;

const { generation, errors } = (await ask(create, { input: { prompt, idempotencyKey } })).createGeneration;
if (!generation) throw new Error(errors[0].message);

// Without a cursor it begins with the oldest event that is kept; keep the cursor, and a restart goes on from there.
let after = null;
let finished;
while (!finished) {
  const { edges, cursor, pageInfo } = (await ask(log, { id: generation.id, after })).events;
  for (const { node } of edges) console.log(node.type, node.status, node.percent);
  after = cursor;
  finished = edges.find(({ node }) => node.type === 'GENERATION_FINISHED')?.node.generation;
  if (!finished && !pageInfo.hasNextPage) await sleep(1000);
}
if (finished.failure) throw new Error(finished.failure.message);
for (const { url } of finished.assets) if (url) console.log(url.uri);

/** The data of an answer. Where none came it asks again: the idempotency key makes that safe for the mutation too. */
async function ask(query, variables) {
  const headers = { 'content-type': 'application/json', ...(key && { authorization: `Bearer ${key}` }) };
  const request = { method: 'POST', headers, body: JSON.stringify({ query, variables }) };
  for (let attempt = 1; attempt <= 10; attempt++) {
    const answer = await fetch(url, request)
      .then((response) => response.json())
      .catch(() => null); // no connection, or the page of some proxy
    if (answer?.data) return answer.data;
    const [error] = answer?.errors ?? [];
    if (error && !['UNAVAILABLE', 'RATE_LIMITED'].includes(error.extensions.code)) throw new Error(error.message);
    await sleep(1000 * attempt);
  }
  throw new Error('The service does not answer.');
}
