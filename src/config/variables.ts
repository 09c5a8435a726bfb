import { z } from 'zod';
import { perProvider } from './per-provider.ts';
import { pricesFile } from './prices-file.ts';
import { storageUrl } from './storage-url.ts';

/**
 * How one variable is read, and what `.env.example` says of it. `default` is the text a user would write for it: with
 * one, the value is always there; without, it is undefined unless the variable is set.
 */
const required = <T>(schema: z.ZodType<T>, fallback: string, about: string) => ({ schema, default: fallback, about });
const optional = <T>(schema: z.ZodType<T>, about: string) => ({ schema, default: null, about });

const text = z.string().min(1, 'must not be empty');
const integer = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be a whole number from ${min} to ${max}`);
const milliseconds = (min = 1) => integer(min, 86_400_000);
const list = z.string().transform((value) =>
  value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== ''),
);
const httpUrl = z
  .string()
  .refine((value) => /^https?:$/.test(protocolOf(value)), 'must be an http or https URL')
  .transform((value) => value.replace(/\/+$/, ''));
const postgresUrl = z
  .string()
  .refine((value) => /^postgres(ql)?:$/.test(protocolOf(value)), 'must be a postgres:// or postgresql:// URL');
const onOff = z.enum(['on', 'off'], 'must be "on" or "off"').transform((value) => value === 'on');
const secrets = list.refine(
  (values) => values.length > 0 && values.every((value) => value.length >= 32),
  'must be one or more secrets of at least 32 characters, separated by commas',
);
const origins = list.refine(
  (values) => values.every((value) => URL.canParse(value) && new URL(value).origin === value),
  'must be origins such as https://app.example, without a path, separated by commas',
);
const hostPorts = list.refine(
  (values) => values.every((value) => /^(\[[0-9a-fA-F:]+\]|[^:\s]+):\d+$/.test(value)),
  'must be host:port pairs separated by commas',
);
const bootstrapKeys = list
  .refine(
    (values) => values.every((value) => /^(?:[^:]+:)?sk_(?:test|live)_[\x21-\x7e]{16,}$/.test(value)),
    'must be keys that start with sk_test_ or sk_live_ and have at least 24 characters, each optionally written name:key',
  )
  .transform((values) => values.map(splitBootstrapKey));

/** Every variable the service reads, in the order of `.env.example`. */
export const VARIABLES = {
  HOST: required(text, '127.0.0.1', 'The address it listens on.'),
  PORT: required(
    integer(0, 65_535),
    '4000',
    'The port it listens on; 0 takes a free one, and so does a worker where it is unset.',
  ),
  PUBLIC_URL: optional(
    httpUrl,
    'The address clients use, in asset links, and providers, in callbacks: they are told it only when it is https and not private, or when both are on loopback. Workers need it for callbacks. Unset: http://HOST:PORT.',
  ),
  ROLE: required(
    z.enum(['api', 'worker', 'all'], 'must be api, worker or all'),
    'all',
    'What this process does. api and worker need DATABASE_URL; run any number of each on one database.',
  ),
  DATABASE_URL: optional(
    postgresUrl,
    'PostgreSQL 14 or newer. Unset: the packaged PostgreSQL, supervised, in DATA_DIR.',
  ),
  DATABASE_DIRECT_URL: optional(
    postgresUrl,
    'For LISTEN and migrations when DATABASE_URL is a pooler. Unset: DATABASE_URL.',
  ),
  SECRET_KEYS: optional(
    secrets,
    'Comma-separated secrets that sign links and callbacks, newest first, at least 32 characters each. Required with DATABASE_URL, the same for every process. Unset: made once in DATA_DIR.',
  ),
  DATA_DIR: required(text, '.data', 'The embedded database, stored images, secrets made on the first start.'),
  STORAGE_URL: optional(
    storageUrl,
    'Where images are kept: file: and a folder that all processes share, or s3://bucket/prefix?endpoint=https://host:port&region=name (path style with an endpoint, AWS without; region us-east-1 unless given). Unset: file:DATA_DIR/assets.',
  ),
  AWS_ACCESS_KEY_ID: optional(
    text,
    'For s3:// only, and required there. May do s3:PutObject, GetObject, DeleteObject and ListBucket.',
  ),
  AWS_SECRET_ACCESS_KEY: optional(text, 'For s3:// only, and required there.'),
  AWS_SESSION_TOKEN: optional(text, 'For s3:// only: with credentials that end. They are read once, at the start.'),
  BOOTSTRAP_API_KEY: required(
    bootstrapKeys,
    '',
    'Comma-separated keys (sk_test_…, sk_live_…, at least 24 characters) that exist after boot with every scope, in the workspace "default"; name:key puts one in the workspace of that name.',
  ),
  GPTIMAGE2_API_KEY: optional(text, 'Makes the provider GPTImage2 live. Needs GPTIMAGE2_BASE_URL.'),
  GPTIMAGE2_BASE_URL: optional(httpUrl, 'What comes before /v1/images/generations at GPTImage2.'),
  MODELARK_API_KEY: optional(text, 'Makes the provider BytePlus ModelArk live.'),
  MODELARK_BASE_URL: required(
    httpUrl,
    'https://ark.ap-southeast.bytepluses.com',
    'What comes before /api/v3/images/generations at BytePlus ModelArk.',
  ),
  RUNWARE_API_KEY: optional(text, 'Makes the provider Runware live.'),
  RUNWARE_BASE_URL: required(httpUrl, 'https://api.runware.ai', 'What comes before /v1 at Runware.'),
  REAPI_API_KEY: optional(text, 'Makes the provider reAPI live.'),
  REAPI_BASE_URL: required(httpUrl, 'https://reapi.ai', 'What comes before /api/v1/images/generations at reAPI.'),
  THREEDAISTUDIO_API_KEY: optional(text, 'Makes the provider 3D AI Studio live.'),
  THREEDAISTUDIO_BASE_URL: required(
    httpUrl,
    'https://api.3daistudio.com',
    'What comes before /v1/images/seedream/v5/lite/ at 3D AI Studio.',
  ),
  SEEDANCE_API_KEY: optional(text, 'Makes the provider Seedance live.'),
  SEEDANCE_BASE_URL: required(
    httpUrl,
    'https://api.seedance.it.com',
    'What comes before /v1/images/generate at Seedance.',
  ),
  SEEDANCE_WEBHOOK_SECRET: optional(text, 'Verifies the callbacks of Seedance. Unset: they are not asked for.'),
  PROVIDER_CONCURRENCY: required(
    perProvider,
    '',
    'Submissions that a provider works on at one time, for all workers together, as runware=4,seedance=10. Unset: per provider, in code.',
  ),
  PROVIDER_REQUESTS_PER_MINUTE: required(
    perProvider,
    '',
    'Requests to a provider in a minute, submissions and polls, for all workers together, as runware=4,seedance=10. At BytePlus ModelArk they are images: below 60 it is much slower than that, for an order may have 15. Unset: per provider, in code.',
  ),
  PRICES_FILE: optional(
    pricesFile,
    'A JSON file, read at the start, of what one image costs from a day (UTC) on: [{"provider": "runware", "model": "seedream-5.0-lite", "from": "2026-01-31", "amount": "0.035", "currency": "USD"}, …]. Its prices replace those in code for each provider and model it names.',
  ),
  SANDBOX_URL: optional(
    httpUrl,
    'A sandbox that already runs (npm run sandbox), for TEST keys; several processes share it. Unset: one of our own on SANDBOX_PORT.',
  ),
  SANDBOX_HOST: optional(
    text,
    'The address npm run sandbox listens on. Unset: 127.0.0.1. Whoever reaches it can use it, and it calls back where they say.',
  ),
  SANDBOX_PORT: optional(
    integer(0, 65_535),
    'The port of the sandbox. Unset: 4010 with npm run sandbox, a free loopback port inside the service.',
  ),
  FETCH_ALLOWED_HOSTS: required(
    hostPorts,
    '',
    'Comma-separated host:port exempt from the private-address guard when images are fetched.',
  ),
  POLL_FIRST_MS: required(milliseconds(), '2000', 'From acceptance to the first poll of a task.'),
  POLL_FAST_MS: required(milliseconds(), '2500', 'Between polls of a young task.'),
  POLL_FAST_FOR_MS: required(milliseconds(0), '20000', 'How long a task counts as young.'),
  POLL_SLOW_MS: required(milliseconds(), '7500', 'Between polls after that. A provider may ask for slower.'),
  LEASE_MS: required(milliseconds(500), '30000', 'How long the tasks of a silent worker stay its own.'),
  UNCERTAIN_HOLD_MS: required(
    milliseconds(0),
    '600000',
    'How long a submission of unknown outcome is held before it fails as OUTCOME_UNKNOWN.',
  ),
  DEADLINE_MS: required(milliseconds(1000), '900000', 'The deadline of a generation that asks for none.'),
  EVENT_RETENTION_HOURS: required(
    integer(1, 87_600),
    '168',
    'How long `events` can be read and resumed; older events are deleted. Generations stay.',
  ),
  SUBMIT_TIMEOUT_MS: optional(
    milliseconds(100),
    'Total time for one submission, for every provider. Unset: per provider, in code.',
  ),
  DRAIN_MS: required(milliseconds(0), '10000', 'How long a shutdown may take.'),
  LOG_LEVEL: required(
    z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'], 'must be trace, debug, info, warn, error or silent'),
    'info',
    'Prompts are only logged at debug and below; keys never.',
  ),
  METRICS_TOKEN: optional(
    text,
    'What a reader of /metrics must send as a bearer token. Unset: /metrics is answered on loopback only.',
  ),
  CORS_ORIGINS: required(
    origins,
    '',
    'Comma-separated origins whose pages may call the API, each as https://app.example.',
  ),
  GRAPHIQL: required(onOff, 'on', 'Serve GraphiQL to browsers at /graphql.'),
  INTROSPECTION: required(onOff, 'on', 'Answer introspection queries.'),
};

function protocolOf(value: string): string {
  return URL.canParse(value) ? new URL(value).protocol : '';
}

function splitBootstrapKey(value: string): { workspace: string; key: string } {
  const at = value.lastIndexOf(':sk_');
  return at < 0 ? { workspace: 'default', key: value } : { workspace: value.slice(0, at), key: value.slice(at + 1) };
}
