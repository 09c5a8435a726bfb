import { existsSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { readConfig } from '../../src/config/config.ts';
import { VARIABLES } from '../../src/config/variables.ts';

interface ServiceEntry {
  image: string;
  profiles?: string[];
  environment?: Record<string, string>;
  ports?: string[];
  volumes?: string[];
  networks: string[];
  depends_on?: Record<string, { condition: string; required?: boolean }>;
  init: boolean;
  read_only: boolean;
  cap_drop: string[];
  security_opt: string[];
  restart: string;
  stop_grace_period?: string;
  healthcheck?: { test: string[] };
}

interface Compose {
  services: Record<string, ServiceEntry>;
  volumes: Record<string, object>;
  networks: Record<string, object>;
}

const text = readFileSync('docker-compose.yml', 'utf8');
const example = parseEnv(readFileSync('examples/compose.env', 'utf8'));
const compose = load(example);
const services = Object.entries(compose.services);
const roles = [compose.services.api, compose.services.worker].map((service) => service?.environment ?? {});

test('the compose file is valid by the schema of the Compose Specification', () => {
  const ajv = new Ajv({ strict: false, allErrors: true });
  addFormats.default(ajv);
  // It names the draft that ajv speaks by another address.
  const { $schema: _, ...schema } = JSON.parse(readFileSync('test/static/fixtures/compose-spec.json', 'utf8'));
  const validate = ajv.compile(schema);
  validate(compose);
  expect(validate.errors).toBe(null);
});

describe('with the example it starts as it stands', () => {
  test('each role gets an environment that the service accepts without a warning', () => {
    for (const env of roles) expect(readConfig(env)).toMatchObject({ config: { ROLE: env.ROLE }, warnings: [] });
    const stored = parseEnv(readFileSync('examples/compose.env', 'utf8').replace('#STORAGE_URL', 'STORAGE_URL'));
    const withS3 = load(stored).services.worker?.environment ?? {};
    expect(withS3.STORAGE_URL).toMatch(/^s3:/);
    expect(readConfig(withS3).warnings).toEqual([]);
  });

  test('its TEST key finds the sandbox, which is started', () => {
    const { sandbox } = compose.services;
    expect(example.COMPOSE_PROFILES?.split(',')).toEqual(sandbox?.profiles);
    for (const { SANDBOX_URL } of roles)
      expect(SANDBOX_URL).toBe(`http://sandbox:${sandbox?.environment?.SANDBOX_PORT}`);
    expect(readConfig(sandbox?.environment).config.SANDBOX_HOST).toBe('0.0.0.0');
    expect(example.BOOTSTRAP_API_KEY).toMatch(/^sk_test_/);
  });
});

test('no secret has a default: without it nothing starts', () => {
  const required = ['BOOTSTRAP_API_KEY', 'METRICS_TOKEN', 'POSTGRES_PASSWORD', 'SECRET_KEYS'];
  expect([...new Set([...text.matchAll(/\$\{(\w+):\?/g)].map(([, name]) => name))].sort()).toEqual(required);
  for (const name of required) expect(() => load({ ...example, [name]: '' })).toThrow(`${name}: set it to`);
  // Compose fills in the whole file first, so that a profile nobody starts must not ask for its own.
  expect(() => load(Object.fromEntries(required.map((name) => [name, 'x'])))).not.toThrow();
});

test('every variable can be set from outside but those that the file itself settles, and none is unknown', () => {
  const settled = [
    'HOST',
    'PORT',
    'ROLE',
    'DATABASE_URL',
    'DATABASE_DIRECT_URL',
    'DATA_DIR',
    'SANDBOX_HOST',
    'SANDBOX_PORT',
  ];
  const open = Object.keys(VARIABLES).filter((name) => !settled.includes(name));
  for (const env of roles) {
    expect(
      Object.keys(env)
        .filter((name) => !settled.includes(name))
        .sort(),
    ).toEqual(open.sort());
    expect(Object.keys(env).filter((name) => !(name in VARIABLES))).toEqual([]);
  }
  for (const name of open) expect(text, name).toContain(`\${${name}:`);
});

test('PostgreSQL hears the signal that stops it: without KILL, an init that stays root may not pass it on', () => {
  expect(compose.services.postgres).toMatchObject({ init: false, cap_drop: ['ALL'] });
});

test('whatever is published is published on loopback only', () => {
  const published = services.flatMap(([, { ports = [] }]) => ports);
  expect(published).toEqual(['127.0.0.1:4000:4000', '127.0.0.1:9090:9090', '127.0.0.1:3000:3000']);
});

test('each image is pinned to a version, our own to that of package.json', () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
  for (const [name, { image }] of services) expect(image, name).toMatch(/:v?\d+\.\d+[\w.-]*$/);
  const own = services.filter(([, { image }]) => image.startsWith('darkroom:'));
  expect(own.map(([name, { image }]) => [name, image])).toEqual(
    ['api', 'worker', 'sandbox'].map((name) => [name, `darkroom:${version}`]),
  );
});

test('each service runs on a read-only root without capabilities, and says whether it is healthy', () => {
  for (const [name, service] of services) {
    expect(service, name).toMatchObject({ read_only: true, cap_drop: ['ALL'], restart: 'unless-stopped' });
    expect(service.security_opt, name).toEqual(['no-new-privileges:true']);
    // api and worker have the one of their image.
    expect(Boolean(service.healthcheck), name).toBe(!['api', 'worker'].includes(name));
  }
});

test('a container is not killed before its drain is over', () => {
  for (const name of ['api', 'worker']) {
    const [, minutes] = /^(\d+)m$/.exec(compose.services[name]?.stop_grace_period ?? '') ?? [];
    // A series of fifteen images, in one answer (src/provider/modelark/modelark.ts).
    expect(Number(minutes) * 60_000).toBeGreaterThan(readConfig({}).config.DRAIN_MS + 15 * 45_000);
  }
});

test('volumes, networks, files and services that are named are there', () => {
  const profiles = new Set(services.flatMap(([, service]) => service.profiles ?? []));
  expect([...profiles].sort()).toEqual(['monitoring', 's3', 'sandbox']);
  for (const [name, { volumes = [], networks, depends_on: needs = {}, profiles: own = [] }] of services) {
    for (const volume of volumes) {
      const [source = ''] = volume.split(':');
      expect(source.startsWith('.') ? existsSync(source) : source in compose.volumes, `${name}: ${source}`).toBe(true);
    }
    expect(networks.filter((network) => !(network in compose.networks))).toEqual([]);
    for (const [needed, { condition, required = true }] of Object.entries(needs)) {
      const theirs = compose.services[needed]?.profiles ?? [];
      expect(condition, `${name} needs ${needed}`).toBe('service_healthy');
      expect(required, `${name} needs ${needed}`).toBe(theirs.every((profile) => own.includes(profile)));
    }
  }
});

/** The file as Compose sees it: variables filled in, anchors merged. */
function load(env: NodeJS.Dict<string>): Compose {
  const filled = text
    .replace(/^\s*#.*$/gm, '')
    .replace(/\$(\$)|\$\{(\w+):([-?])([^}]*)\}/g, (_, escaped, name, kind, rest) => {
      if (escaped) return '$';
      if (env[name]) return env[name];
      if (kind === '?') throw new Error(`${name}: ${rest}`);
      return rest;
    });
  return parse(filled, { merge: true });
}
