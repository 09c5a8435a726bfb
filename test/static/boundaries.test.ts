import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';

/** The floors of docs/architecture.md: a room imports from its own room and from lower floors only. */
const FLOOR: Record<string, number> = {
  main: 5,
  'main-migrate': 5,
  'main-sandbox': 5,
  app: 5,
  database: 5,
  store: 5,
  sentences: 5,
  http: 4,
  worker: 4,
  sandbox: 4,
  graphql: 3,
  provider: 3,
  generation: 2.2,
  asset: 2.1,
  workspace: 2,
  webhook: 2,
  events: 1,
  storage: 1,
  fetch: 1,
  db: 0,
  config: 0,
  secrets: 0,
  signer: 0,
  metrics: 0,
  logger: -1,
  fault: -1,
  turns: -1,
};

/** What no room may import although it lies lower. */
const NEVER: [from: RegExp, to: RegExp][] = [
  [/^graphql$/, /^(db|events|storage|fetch)$/],
  [/^provider$/, /^(db|events|storage|asset|workspace)$/],
  [/^worker$/, /^(db|graphql|http)$/],
  [/^sandbox$/, /./],
];

/** Packages that only some rooms may use. */
const PACKAGES: [name: RegExp, rooms: RegExp][] = [
  [/^drizzle-orm/, /^(db|events|generation|asset|workspace)$/],
  [/^postgres$/, /^db$/],
  [/^undici$/, /^(provider|storage|fetch|sandbox)$/],
  [/^(@pothos|dataloader)/, /^graphql$/],
  [/^(graphql-yoga|graphql-ws|ws)(\/|$)/, /^http$/],
  [/^prom-client$/, /^metrics$/],
];

interface Import {
  file: string;
  from: string;
  to: string | null;
  specifier: string;
}

const files = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => `src/${name}`);
const imports = files.flatMap(importsOf);

describe('the floors hold', () => {
  test('every file belongs to a room that is named here', () => {
    expect([...new Set(imports.map(({ from }) => from))].filter((room) => FLOOR[room] === undefined)).toEqual([]);
  });

  test('imports only go down', () => {
    const up = imports.filter(
      ({ from, to }) => to !== null && from !== to && (FLOOR[to] ?? 99) >= (FLOOR[from] ?? -1) && FLOOR[from] !== 5,
    );
    expect(up.map(({ file, specifier }) => `${file} -> ${specifier}`)).toEqual([]);
  });

  test('no room imports what it must never know', () => {
    const broken = imports.filter(
      ({ from, to }) => to !== null && from !== to && NEVER.some(([who, what]) => who.test(from) && what.test(to)),
    );
    expect(broken.map(({ file, specifier }) => `${file} -> ${specifier}`)).toEqual([]);
  });

  test('only app starts the sandbox, besides its own entry', () => {
    const users = imports.filter(({ from, to }) => to === 'sandbox' && from !== 'sandbox').map(({ from }) => from);
    expect(new Set(users)).toEqual(new Set(['app', 'main-sandbox']));
  });

  test('one provider does not know another', () => {
    const across = imports.filter(({ file, specifier }) => {
      const own = /^src\/provider\/([^/]+)\//.exec(file)?.[1];
      const other = /^src\/provider\/([^/]+)\//.exec(normalize(join(dirname(file), specifier)))?.[1];
      return own && other && own !== other;
    });
    expect(across.map(({ file, specifier }) => `${file} -> ${specifier}`)).toEqual([]);
  });

  test('a package stays in the rooms that own it', () => {
    const strays = imports.filter(
      ({ from, to, specifier }) =>
        to === null && PACKAGES.some(([name, rooms]) => name.test(specifier) && !rooms.test(from)),
    );
    expect(strays.map(({ file, specifier }) => `${file} -> ${specifier}`)).toEqual([]);
  });

  test('only config reads the environment, and only main ends the process', () => {
    const sources = files.map((file) => ({ file, text: readFileSync(file, 'utf8') }));
    const readers = sources.filter(
      ({ file, text }) => /\bprocess\.env\b/.test(text) && !file.startsWith('src/config/'),
    );
    const enders = sources.filter(({ file, text }) => /\bprocess\.exit\b/.test(text) && file !== 'src/main.ts');
    expect([...readers, ...enders].map(({ file }) => file)).toEqual([]);
  });

  test('there is no folder for things without an owner, and no file past 400 lines', () => {
    expect(files.filter((file) => /\/(utils?|lib|helpers?|common|services?|core)\//.test(file))).toEqual([]);
    expect(files.filter((file) => readFileSync(file, 'utf8').split('\n').length > 400)).toEqual([]);
  });
});

function importsOf(file: string): Import[] {
  const source = readFileSync(file, 'utf8');
  const specifiers = [
    ...source.matchAll(/^(?:import|export)[^'"]*?from '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gms),
  ];
  return specifiers.map(([, from, bare, dynamic]) => {
    const specifier = from ?? bare ?? dynamic ?? '';
    const to = specifier.startsWith('.') ? roomOf(normalize(join(dirname(file), specifier))) : null;
    return { file, from: roomOf(file), to, specifier };
  });
}

function roomOf(file: string): string {
  return (
    file
      .replace(/^src\//, '')
      .split('/')[0]
      ?.replace(/\.ts$/, '') ?? ''
  );
}
