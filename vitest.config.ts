import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // Tests share two cores with real databases and child processes: more workers make them slower, not faster.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['packages/**/*.test.ts', 'simulation/**/*.test.ts', 'bench/**/*.test.ts', 'scripts/**/*.test.ts'],
          exclude: ['**/node_modules/**', '**/*.db.test.ts', '**/*.process.test.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'database',
          include: ['packages/**/*.db.test.ts'],
          globalSetup: ['packages/core/src/store/testing/start-postgres.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'process',
          include: [
            'packages/**/*.process.test.ts',
            'scripts/**/*.process.test.ts',
            'examples/**/*.test.ts',
            'docs/**/*.test.ts',
            'e2e/**/*.test.ts',
          ],
          testTimeout: 60_000,
        },
      },
    ],
  },
});
