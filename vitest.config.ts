import { defineConfig } from 'vitest/config';

// Vite resolves `graphql` to its ES build while Yoga and Pothos load the CommonJS one: two realms, one schema.
const alias = [{ find: /^graphql$/, replacement: 'graphql/index.js' }];

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
        test: {
          name: 'service',
          include: ['test/**/*.test.ts'],
          exclude: ['test/static/**', 'test/browser/**'],
          globalSetup: ['test/postgres.ts'],
          testTimeout: 30_000,
          hookTimeout: 60_000,
          maxWorkers: 2,
        },
      },
    ],
  },
});
