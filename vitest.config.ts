import { defineConfig } from 'vitest/config';

// Vite resolves `graphql` to its ES build while Yoga and Pothos load the CommonJS one: two realms, one schema.
const alias = [{ find: /^graphql$/, replacement: 'graphql/index.js' }];

/** What the projects that talk to a real service have in common. */
const talking = {
  // Importing everything anew for each file took a quarter of the time of the whole suite.
  isolate: false,
  globalSetup: ['test/postgres.ts'],
  testTimeout: 30_000,
  hookTimeout: 60_000,
};

/** One more than cores: much of the time a test waits, for a provider, a deadline, a process that starts. */
const WORKERS = 3;

/** What takes longer: `npm run test:soak`. */
const SOAK = [
  'test/soak/**/*.test.ts',
  'test/clients/**/*.test.ts',
  'test/db/embedded.test.ts',
  // The simulator by itself, one provider after the other, in real time.
  'test/sandbox/{modelark,runware,reapi,threedaistudio,seedance}.test.ts',
  'test/sandbox/{large-bodies,rate-limit}.test.ts',
  'test/provider/{sandbox,modelark-sandbox,seedance-sandbox}.test.ts',
];

/** These replace a module, or what libvips may read, which would hold for every file after them. */
const MOCKING = ['test/asset/inspect.test.ts', 'test/sandbox/picture.test.ts'];

export default defineConfig({
  test: {
    projects: [
      {
        resolve: { alias },
        test: { name: 'static', include: ['test/static/**/*.test.ts'] },
      },
      {
        resolve: { alias },
        test: { name: 'browser', include: ['test/browser/**/*.test.ts'], testTimeout: 60_000, hookTimeout: 60_000 },
      },
      {
        resolve: { alias },
        test: { name: 'mocking', include: MOCKING, maxWorkers: WORKERS },
      },
      {
        resolve: { alias },
        test: {
          name: 'service',
          include: ['test/**/*.test.ts'],
          exclude: ['test/static/**', 'test/browser/**', ...SOAK, ...MOCKING],
          ...talking,
          maxWorkers: WORKERS,
        },
      },
      {
        resolve: { alias },
        test: { name: 'soak', include: SOAK, ...talking, maxWorkers: 2 },
      },
    ],
  },
});
