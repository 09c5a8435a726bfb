import { describe, expect, test } from 'vitest';
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

function faultsOf(env: NodeJS.ProcessEnv): readonly string[] {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  throw new Error('The environment was accepted.');
}
