import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ConfigError, readConfig } from '../../src/config/config.ts';
import { envExample } from '../../src/config/env-example.ts';

test('.env.example is what the configuration code reads (vitest -u writes it)', async () => {
  await expect(envExample()).toMatchFileSnapshot('../../.env.example');
});

const AWS = { AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret' };

describe('readConfig', () => {
  test('an empty environment gives the documented defaults', () => {
    const { config, warnings } = readConfig({});
    expect(config).toEqual({
      HOST: '127.0.0.1',
      PORT: 4000,
      ROLE: 'all',
      DATA_DIR: '.data',
      POLL_FIRST_MS: 2000,
      POLL_FAST_MS: 2500,
      POLL_FAST_FOR_MS: 20_000,
      POLL_SLOW_MS: 7500,
      LEASE_MS: 30_000,
      UNCERTAIN_HOLD_MS: 600_000,
      DEADLINE_MS: 900_000,
      EVENT_RETENTION_HOURS: 168,
      DRAIN_MS: 10_000,
      LOG_LEVEL: 'info',
      GRAPHIQL: true,
      INTROSPECTION: true,
      BOOTSTRAP_API_KEY: [],
      CORS_ORIGINS: [],
      FETCH_ALLOWED_HOSTS: [],
      MODELARK_BASE_URL: 'https://ark.ap-southeast.bytepluses.com',
      RUNWARE_BASE_URL: 'https://api.runware.ai',
      REAPI_BASE_URL: 'https://reapi.ai',
      THREEDAISTUDIO_BASE_URL: 'https://api.3daistudio.com',
      SEEDANCE_BASE_URL: 'https://api.seedance.it.com',
      PROVIDER_CONCURRENCY: {},
      PROVIDER_REQUESTS_PER_MINUTE: {},
    });
    expect(warnings).toEqual([]);
  });

  test('an empty value is the same as none', () => {
    expect(readConfig({ PORT: '', DATABASE_URL: '' }).config.PORT).toBe(4000);
  });

  test('every fault is reported at once, each in one sentence that names the variable', () => {
    const env = { PORT: '99999', DATABASE_URL: 'mysql://x', BOOTSTRAP_API_KEY: 'sk_test_short', LOG_LEVEL: 'loud' };
    expect(faultsOf(env)).toEqual([
      'PORT must be a whole number from 0 to 65535.',
      'DATABASE_URL must be a postgres:// or postgresql:// URL.',
      'BOOTSTRAP_API_KEY must be keys that start with sk_test_ or sk_live_ and have at least 24 characters, each optionally written name:key.',
      'LOG_LEVEL must be trace, debug, info, warn, error or silent.',
    ]);
  });

  test.each([
    [
      { DATABASE_URL: 'postgres://u@h/d' },
      'SECRET_KEYS is required with DATABASE_URL: the same secrets for every process.',
    ],
    [
      { STORAGE_URL: 's3://bucket', AWS_ACCESS_KEY_ID: 'k' },
      'STORAGE_URL=s3://… needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
    ],
    [{ ROLE: 'worker' }, 'ROLE=worker needs DATABASE_URL: the embedded database serves one process only.'],
    [
      { GPTIMAGE2_API_KEY: 'k' },
      'GPTIMAGE2_API_KEY needs GPTIMAGE2_BASE_URL: this provider has no address that could be assumed.',
    ],
  ])('what contradicts itself is refused: %o', (env, sentence) => {
    expect(faultsOf(env)).toEqual([sentence]);
  });

  test.each([
    ['file:/srv/pictures', { kind: 'DISK', folder: '/srv/pictures' }],
    [
      's3://my.bucket/a/b/?endpoint=http://[::1]:9000/&region=garage',
      { kind: 'S3', bucket: 'my.bucket', prefix: 'a/b/', endpoint: 'http://[::1]:9000', region: 'garage' },
    ],
    ['s3://bucket', { kind: 'S3', bucket: 'bucket', prefix: '', endpoint: null, region: 'us-east-1' }],
  ])('STORAGE_URL=%s says where images are kept', (url, place) => {
    const { config, warnings } = readConfig({ STORAGE_URL: url, ...AWS, AWS_PROFILE: 'x' });
    expect([config.STORAGE_URL, warnings]).toEqual([place, []]);
  });

  test.each([
    ['/srv/pictures', 'must be file: and a folder, or s3://bucket/prefix?endpoint=https://host:port&region=name'],
    [
      's3://bucket?bucket=2',
      'must be file: and a folder, or s3://bucket/prefix?endpoint=https://host:port&region=name',
    ],
    ['s3://B', 'must name a bucket: 3 to 63 lower-case letters, digits, dots and hyphens'],
    ['s3://bucket/..%2f', 'must have a prefix of letters, digits, dots, hyphens and slashes, or none'],
    ['s3://bucket?endpoint=ftp://host', 'must have an endpoint such as https://host:port, or none'],
    ['s3://bucket?endpoint=https://k:s@host', 'must have an endpoint such as https://host:port, or none'],
    ['s3://key:secret@bucket', 'must not hold credentials: they go into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY'],
  ])('STORAGE_URL=%s is refused in a sentence', (url, sentence) => {
    expect(faultsOf({ STORAGE_URL: url, ...AWS })).toEqual([`STORAGE_URL ${sentence}.`]);
  });

  test.each(['*', 'https://app.example/path', 'app.example'])('CORS_ORIGINS=%s is no origin', (origin) => {
    expect(readConfig({ CORS_ORIGINS: 'https://app.example,http://localhost:3000' }).warnings).toEqual([]);
    expect(faultsOf({ CORS_ORIGINS: origin })).toEqual([
      'CORS_ORIGINS must be origins such as https://app.example, without a path, separated by commas.',
    ]);
  });

  test('a misspelt variable of ours is warned about, another program’s is not', () => {
    expect(readConfig({ POLL_FIRST: '1', npm_config_x: '1', TERM: 'x' }).warnings).toEqual([
      'POLL_FIRST is not a variable of this service; see .env.example.',
    ]);
  });

  test('keys go to the workspace they name, or to default', () => {
    const keys = 'sk_test_0123456789abcdef,acme:sk_live_0123456789abcdef';
    expect(readConfig({ BOOTSTRAP_API_KEY: keys }).config.BOOTSTRAP_API_KEY).toEqual([
      { workspace: 'default', key: 'sk_test_0123456789abcdef' },
      { workspace: 'acme', key: 'sk_live_0123456789abcdef' },
    ]);
  });
});

describe('numbers for each provider', () => {
  test('are read from pairs, with or without spaces', () => {
    const { config } = readConfig({ PROVIDER_CONCURRENCY: 'runware=4, seedance = 10,' });
    expect(config.PROVIDER_CONCURRENCY).toEqual({ runware: 4, seedance: 10 });
  });

  test.each([
    ['runwear=4', 'names "runwear", which is none of gptimage2, modelark, runware, reapi, threedaistudio, seedance'],
    ['toString=4', 'names "toString", which is none of gptimage2, modelark, runware, reapi, threedaistudio, seedance'],
    ['runware', 'must be pairs such as runware=4, separated by commas, not "runware"'],
    ['=4', 'must be pairs such as runware=4, separated by commas, not "=4"'],
    ['reapi=1,reapi=2', 'names reapi twice'],
    ['reapi=0', 'must give reapi a whole number from 1 to 100000, not "0"'],
    ['reapi=1.5', 'must give reapi a whole number from 1 to 100000, not "1.5"'],
    ['reapi=100001', 'must give reapi a whole number from 1 to 100000, not "100001"'],
    ['reapi=', 'must give reapi a whole number from 1 to 100000, not ""'],
  ])('%s is refused in a sentence', (numbers, sentence) => {
    expect(faultsOf({ PROVIDER_REQUESTS_PER_MINUTE: numbers })).toEqual([`PROVIDER_REQUESTS_PER_MINUTE ${sentence}.`]);
  });

  test('what is wrong with each of several is told', () => {
    expect(faultsOf({ PROVIDER_CONCURRENCY: 'reapi=0,runware=4,seedance=-1' })).toEqual([
      'PROVIDER_CONCURRENCY must give reapi a whole number from 1 to 100000, not "0".',
      'PROVIDER_CONCURRENCY must give seedance a whole number from 1 to 100000, not "-1".',
    ]);
  });
});

describe('PRICES_FILE', () => {
  const price = {
    provider: 'runware',
    model: 'seedream-5.0-lite',
    from: '2026-01-31',
    amount: '0.035',
    currency: 'USD',
  };

  test('is read into the configuration', () => {
    const prices = [price, { ...price, from: '2026-02-28', amount: '1' }];
    expect(readConfig({ PRICES_FILE: writeFile(JSON.stringify(prices)) }).config.PRICES_FILE).toEqual(prices);
  });

  test.each([
    [
      'a provider nobody knows',
      { ...price, provider: 'fal' },
      'a "provider" of gptimage2, modelark, runware, reapi, threedaistudio, seedance',
    ],
    ['no model', { ...price, model: undefined }, 'a "model" such as "seedream-5.0-lite"'],
    ['a day that does not exist', { ...price, from: '2026-02-30' }, 'a day as "from", such as "2026-01-31"'],
    ['a number, which may have lost digits', { ...price, amount: 0.035 }, 'an "amount" as text, such as "0.035"'],
    ['a debt', { ...price, amount: '-1' }, 'an "amount" as text, such as "0.035"'],
    ['a currency in words', { ...price, currency: 'dollars' }, 'a "currency" such as "USD"'],
    [
      'a field nobody reads',
      { ...price, until: '2026-03-01' },
      'provider, model, from, amount and currency, and nothing else',
    ],
    ['no object', 7, 'provider, model, from, amount and currency, and nothing else'],
  ])('with %s is refused in a sentence', (_, entry, needed) => {
    const file = writeFile(JSON.stringify([price, entry]));
    expect(faultsOf({ PRICES_FILE: file })).toEqual([`PRICES_FILE needs in entry 2 ${needed}.`]);
  });

  test.each([
    ['{', 'must name a file that holds JSON'],
    ['{}', 'must name a file that holds a JSON list'],
    [JSON.stringify([price, price]), 'has two entries for runware, seedream-5.0-lite and 2026-01-31'],
  ])('that holds %s is refused in a sentence', (text, sentence) => {
    expect(faultsOf({ PRICES_FILE: writeFile(text) })).toEqual([`PRICES_FILE ${sentence}.`]);
  });

  test('every fault of it is told, beside those of other variables', () => {
    const file = writeFile(
      JSON.stringify([
        { ...price, amount: 'free', currency: '' },
        { ...price, from: 'today' },
      ]),
    );
    expect(faultsOf({ PRICES_FILE: file, LOG_LEVEL: 'loud' })).toEqual([
      'PRICES_FILE needs in entry 1 an "amount" as text, such as "0.035".',
      'PRICES_FILE needs in entry 1 a "currency" such as "USD".',
      'PRICES_FILE needs in entry 2 a day as "from", such as "2026-01-31".',
      'LOG_LEVEL must be trace, debug, info, warn, error or silent.',
    ]);
  });

  test('that is not there is refused in a sentence', () => {
    const sentence = 'PRICES_FILE names a file that cannot be read (ENOENT).';
    expect(faultsOf({ PRICES_FILE: '/nowhere/prices.json' })).toEqual([sentence]);
  });
});

function writeFile(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'prices-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'prices.json');
  writeFileSync(file, text);
  return file;
}

function faultsOf(env: NodeJS.ProcessEnv): readonly string[] {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  throw new Error('The environment was accepted.');
}
