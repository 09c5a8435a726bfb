// Creates a generation and follows it to its end over WebSocket, with types from the schema alone:
//   npx tsx examples/gql-tada/watch.ts "A lighthouse at dusk" my-idempotency-key
import { randomUUID } from 'node:crypto';
import type { ResultOf, VariablesOf } from 'gql.tada';
import { print } from 'graphql';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { graphql } from './graphql.ts';

const url = process.env.DARKROOM_URL ?? 'http://127.0.0.1:4000/graphql';
const key = process.env.DARKROOM_KEY;
const [prompt = 'A lighthouse at dusk', idempotencyKey = randomUUID()] = process.argv.slice(2);

const client = createClient({
  url: url.replace(/^http/, 'ws'),
  webSocketImpl: WebSocket,
  connectionParams: () => (key ? { authorization: `Bearer ${key}` } : {}),
  shouldRetry: () => true,
});

export const Create = graphql(`
  mutation Create($input: CreateGenerationInput!) {
    createGeneration(input: $input) { generation { id } cursor errors { code message path } }
  }
`);
export const Watch = graphql(`
  subscription Watch($id: ID!, $after: Cursor) {
    generationUpdated(id: $id, after: $after) {
      cursor
      final
      generation { status progress { percent } assets { url { uri } } failure { code message } }
    }
  }
`);

const { generation, cursor, errors } = (await create({ input: { prompt, idempotencyKey } })).createGeneration;
if (!generation) throw new Error(errors[0]?.message);
await follow({ id: generation.id, after: cursor });

async function create(variables: VariablesOf<typeof Create>): Promise<ResultOf<typeof Create>> {
  for await (const { data, errors } of client.iterate<ResultOf<typeof Create>>({ query: print(Create), variables })) {
    if (data) return data;
    throw new Error(errors?.[0]?.message);
  }
  throw new Error('There was no answer.');
}

async function follow(variables: VariablesOf<typeof Watch>): Promise<void> {
  for await (const { data, errors } of client.iterate<ResultOf<typeof Watch>>({ query: print(Watch), variables })) {
    if (!data) throw new Error(errors?.[0]?.message);
    const { generation, cursor, final } = data.generationUpdated;
    variables.after = cursor;
    console.log(generation.status, generation.progress.percent);
    if (!final) continue;
    if (generation.failure) throw new Error(generation.failure.message);
    for (const { url } of generation.assets) if (url) console.log(url.uri);
  }
}
