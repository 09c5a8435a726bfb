// Creates a generation and asks for it until its end, with nothing but fetch:
//   node examples/polling.mjs "A lighthouse at dusk" my-idempotency-key
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
const look = /* GraphQL */ `
  query Look($id: ID!) {
    generation(id: $id) { status finishedAt progress { percent } assets { url { uri } } failure { code message } }
  }
`;

const { generation, errors } = (await ask(create, { input: { prompt, idempotencyKey } })).createGeneration;
if (!generation) throw new Error(errors[0].message);

for (;;) {
  const { status, finishedAt, progress, assets, failure } = (await ask(look, { id: generation.id })).generation;
  console.log(status, progress.percent);
  if (failure) throw new Error(failure.message);
  if (finishedAt) for (const { url } of assets) if (url) console.log(url.uri);
  if (finishedAt) break;
  await sleep(1000);
}

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
