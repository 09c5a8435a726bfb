import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bearer, CREATE, type Created, query, TEST_KEY, type UserError } from './client.ts';
import { type Service, startService } from './service.ts';

let service: Service;
let sql: postgres.Sql;
beforeAll(async () => {
  service = await startService();
  sql = postgres(service.databaseUrl, { max: 1, onnotice: () => {} });
});
afterAll(async () => {
  await sql?.end();
  await service?.stop();
});

const AN_AREA = 'an area of 3686400 to 16777216 pixels';
const A_SHAPE = 'a width of 1/16 to 16 times the height';
const A_TEXT = 'well-formed Unicode text without U+0000';
const A_URI = 'an http or https URI of at most 2048 characters, without user name or password';

test.each<[name: string, input: object, path: string[], allowed: string[]]>([
  ['an empty prompt', { prompt: '' }, ['prompt'], ['at least 1 character']],
  ['a prompt of white space', { prompt: ' \n\t' }, ['prompt'], ['at least 1 character']],
  ['a prompt of 2001 characters', { prompt: '🌅'.repeat(2001) }, ['prompt'], ['1 to 2000 characters']],
  ['a NUL in the prompt', { prompt: 'a\0b' }, ['prompt'], [A_TEXT]],
  ['half a surrogate pair in the prompt', { prompt: 'a\ud83cb' }, ['prompt'], [A_TEXT]],
  ['no images', { images: 0 }, ['images'], ['1 to 20']],
  ['21 images', { images: 21 }, ['images'], ['1 to 20']],
  ['a model nobody has', { model: 'gpt-0\0' }, ['model'], ['seedream-5.0-lite']],
  ['a ratio that is none', ratio('16/9'), ['size', 'ratio', 'aspectRatio'], ['WIDTH:HEIGHT in whole numbers', 'auto']],
  [
    'a ratio nobody offers',
    ratio('7:5'),
    ['size', 'ratio', 'aspectRatio'],
    ['auto', '1:1', '2:3', '3:2', '3:4', '4:3', '4:5', '5:4', '9:16', '16:9', '21:9'],
  ],
  ['a tier nobody offers', ratio('1:1', 'R1K'), ['size', 'ratio', 'resolution'], ['R2K', 'R4K']],
  ['too few pixels', pixels(2559, 1440), ['size', 'pixels'], [AN_AREA, A_SHAPE]],
  ['too many pixels', pixels(4097, 4096), ['size', 'pixels'], [AN_AREA, A_SHAPE]],
  ['too long a shape', pixels(16_000, 500), ['size', 'pixels'], [AN_AREA, A_SHAPE]],
  ['no width', pixels(0, 2048), ['size', 'pixels', 'width'], ['1 to 16384']],
  ['a URI of no host', references('http://'), ['references', '0', 'uri'], [A_URI]],
  ['a URI with a space', references('https://a.example/b c'), ['references', '0', 'uri'], [A_URI]],
  ['a URI of a file', references('file:///etc/passwd'), ['references', '0', 'uri'], [A_URI]],
  ['a URI with a NUL', references('https://a.example/\0'), ['references', '0', 'uri'], [A_URI]],
  ['a URI with a password', references('https://me:it@a.example'), ['references', '0', 'uri'], [A_URI]],
  ['a URI that is too long', references(`https://a.example/${'x'.repeat(2048)}`), ['references', '0', 'uri'], [A_URI]],
  ['a key that is too long', { idempotencyKey: 'k'.repeat(256) }, ['idempotencyKey'], ['1 to 255 characters']],
  ['a NUL in the key', { idempotencyKey: 'k\0' }, ['idempotencyKey'], [A_TEXT]],
  ['a colour of its own', { colors: ['#fff', 'red\0'] }, ['colors', '0'], ['#RRGGBB']],
  ['a deadline of 29 s', { deadlineSeconds: 29 }, ['deadlineSeconds'], ['30 to 3600']],
  [
    'metadata over 16 KiB',
    { metadata: 'x'.repeat(16_383) },
    ['metadata'],
    ['JSON of at most 16 KiB, nested at most 64 deep'],
  ],
  ['a NUL deep in the metadata', { metadata: { a: [{ 'b\0': 1 }] } }, ['metadata'], [A_TEXT]],
  ['half a pair in the metadata', { metadata: ['\udc00'] }, ['metadata'], [A_TEXT]],
])(
  '%s is INVALID_INPUT that names the argument and what is allowed, and makes no row',
  async (_name, input, path, allowed) => {
    const before = await countRows();
    const variables = { input: { prompt: 'A lighthouse', ...input } };
    const { data, text } = await query<{ createGeneration: Created }>(service.url, CREATE, variables);
    const { generation, errors } = data?.createGeneration ?? {};
    expect(generation, text).toBe(null);
    expect(errors?.[0]).toEqual({
      code: 'INVALID_INPUT',
      path: ['input', ...path],
      allowed,
      message: expect.any(String),
    });
    expect(errors?.[0]?.message).toMatch(/\.$/);
    expect(await countRows()).toBe(before);
  },
);

test('one bad input of many is refused by its place, and the others are made', async () => {
  const inputs = [{ prompt: 'A quay [[slow=0]]' }, { prompt: '' }, { prompt: 'A pier', images: 99 }];
  type Results = { createGenerations: { results: { generation: object | null; errors: UserError[] }[] } };
  const { data } = await query<Results>(
    service.url,
    `mutation($inputs: [CreateGenerationInput!]!) {
      createGenerations(inputs: $inputs) { results { generation { id } errors { code path } } }
    }`,
    { inputs },
  );
  expect(data.createGenerations.results).toEqual([
    { generation: { id: expect.stringMatching(/^gen_/) }, errors: [] },
    { generation: null, errors: [{ code: 'INVALID_INPUT', path: ['inputs', '1', 'prompt'] }] },
    { generation: null, errors: [{ code: 'INVALID_INPUT', path: ['inputs', '2', 'images'] }] },
  ]);
});

test.each([500, 1_000, 2_000, 3_000, 4_000, 5_000, 6_000, 7_000, 8_000])(
  'metadata of %d levels is kept as it is or INVALID_INPUT, never an internal error',
  async (levels) => {
    // Written as text: our own JSON.stringify would give up first.
    const metadata = `${'['.repeat(levels)}${']'.repeat(levels)}`;
    const variables = `{"input":{"prompt":"A lighthouse [[slow=0]]","metadata":${metadata}}}`;
    const response = await fetch(`${service.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...bearer(TEST_KEY) },
      body: `{"query":${JSON.stringify(CREATE)},"variables":${variables}}`,
    });
    const { data } = JSON.parse(await response.text());
    const { generation, errors } = data.createGeneration as Created;
    const [row] = await sql`select metadata::text as metadata from generations where id = ${generation?.id ?? ''}`;
    expect([errors.map(({ code }) => code), row?.metadata]).toBeOneOf([
      [[], metadata],
      [['INVALID_INPUT'], undefined],
    ]);
  },
);

async function countRows(): Promise<number> {
  const [row] = await sql`select count(*)::int as rows from generations`;
  return row?.rows;
}

function ratio(aspectRatio: string, resolution?: string): object {
  return { size: { ratio: { aspectRatio, resolution } } };
}

function pixels(width: number, height: number): object {
  return { size: { pixels: { width, height } } };
}

function references(uri: string): object {
  return { references: [{ uri }] };
}
