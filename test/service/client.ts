import { expect } from 'vitest';
import type { Charge } from '../../src/sandbox/billing.ts';
import { until } from './until.ts';

export const TEST_KEY = 'sk_test_of-the-workspace-default';
export const LIVE_KEY = 'sk_live_of-the-workspace-default';

export interface GraphqlError {
  message: string;
  path?: (string | number)[];
  extensions: { code: string; argument?: string; allowed?: string[] };
}

export interface Answer<T> {
  status: number;
  data: T;
  errors: GraphqlError[];
  /** The whole body. */
  text: string;
}

export interface UserError {
  code: string;
  message: string;
  path: string[];
  allowed?: string[];
}

interface Failure {
  code: string;
  message: string;
  billed: string;
}

export interface Asset {
  id: string;
  index: number;
  state: string;
  url: { uri: string; expiresAt: string } | null;
  width: number | null;
  height: number | null;
  mimeType: string | null;
  byteSize: number | null;
  sha256: string | null;
  failure: Failure | null;
}

export interface Task {
  id: string;
  status: string;
  imageCount: number;
  providerTaskId: string | null;
  failure: Failure | null;
  provider: { slug: string; mode: string };
  exchanges: { method: string; url: string; status: number | null; error: string | null; requestBody: unknown }[];
}

export interface Generation {
  id: string;
  version: number;
  status: string;
  prompt: string;
  progress: { percent: number | null };
  failure: Failure | null;
  slots: { index: number; asset: { id: string } | null; failure: Failure | null }[];
  assets: Asset[];
  tasks: Task[];
  finishedAt: string | null;
}

/** Everything that tests compare. */
export const GENERATION = `fragment Whole on Generation {
  id version status prompt finishedAt
  progress { percent }
  failure { code message billed }
  slots { index asset { id } failure { code message billed } }
  assets {
    id index state width height mimeType byteSize sha256
    url { uri expiresAt }
    failure { code message billed }
  }
  tasks {
    id status imageCount providerTaskId
    failure { code message billed }
    provider { slug mode }
    exchanges { method url status error requestBody }
  }
}`;

export const CREATE = `mutation Create($input: CreateGenerationInput!) {
  createGeneration(input: $input) {
    generation { ...Whole }
    cursor
    errors { code message path ... on InvalidInputError { allowed } }
  }
}
${GENERATION}`;

export interface Created {
  generation: Generation | null;
  cursor: string | null;
  errors: UserError[];
}

export function bearer(key: string | null): Record<string, string> {
  return key === null ? {} : { authorization: `Bearer ${key}` };
}

/** Sends one operation to the service at `url`, as the workspace `default` in TEST mode unless the headers say otherwise. */
export async function query<T = Record<string, unknown>>(
  url: string,
  document: string,
  variables: Record<string, unknown> = {},
  headers: Record<string, string> = bearer(TEST_KEY),
): Promise<Answer<T>> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    // A pooled connection would outlive a service that is restarted on the same port.
    headers: { 'content-type': 'application/json', connection: 'close', ...headers },
    body: JSON.stringify({ query: document, variables }),
  });
  const text = await response.text();
  const { data, errors = [] } = JSON.parse(text) as { data: T; errors?: GraphqlError[] };
  return { status: response.status, data, errors, text };
}

/** Orders one generation; fails the test when it is refused. */
export async function create(
  url: string,
  input: Record<string, unknown>,
  headers?: Record<string, string>,
): Promise<{ generation: Generation; cursor: string }> {
  const { data, text } = await query<{ createGeneration: Created }>(url, CREATE, { input }, headers);
  const { generation, cursor } = data?.createGeneration ?? {};
  expect(generation, text).toBeTruthy();
  return { generation: generation as Generation, cursor: cursor as string };
}

export async function read(url: string, id: string, headers?: Record<string, string>): Promise<Generation> {
  const document = `query Read($id: ID!) { generation(id: $id) { ...Whole } } ${GENERATION}`;
  const { data, text } = await query<{ generation: Generation | null }>(url, document, { id }, headers);
  expect(data?.generation, text).toBeTruthy();
  return data.generation as Generation;
}

/** Waits until the generation is what is waited for: final, unless told otherwise. */
export function readUntil(
  url: string,
  id: string,
  holds: (generation: Generation) => boolean = ({ finishedAt }) => finishedAt !== null,
  { withinMs = 15_000, headers = bearer(TEST_KEY) } = {},
): Promise<Generation> {
  return until(() => read(url, id, headers), holds, withinMs);
}

/** What the sandbox has charged so far: one entry for each order it took, whether or not its answer arrived. */
export async function listCharges(sandboxUrl: string): Promise<Charge[]> {
  return (await (await fetch(`${sandboxUrl}/_billing`)).json()) as Charge[];
}

/** The only one; fails the test when there are none or several. */
export function only<T>(items: readonly T[]): T {
  expect(items).toHaveLength(1);
  return items[0] as T;
}
