import { describe, expect, test } from 'vitest';
import { ConfigError, readConfig } from '../../src/config/config.ts';
import { envExample } from '../../src/config/env-example.ts';

test('.env.example is what the configuration code reads (vitest -u writes it)', async () => {
  await expect(envExample()).toMatchFileSnapshot('../../.env.example');
});

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
    [{ ROLE: 'worker' }, 'ROLE=worker needs DATABASE_URL: the embedded database serves one process only.'],
    [
      { GPTIMAGE2_API_KEY: 'k' },
      'GPTIMAGE2_API_KEY needs GPTIMAGE2_BASE_URL: this provider has no address that could be assumed.',
    ],
  ])('what contradicts itself is refused: %o', (env, sentence) => {
    expect(faultsOf(env)).toEqual([sentence]);
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
