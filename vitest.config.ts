import { defineConfig } from 'vitest/config'

/** Tests that take the whole machine, or look at how long whole programs take: one after another, when all others are done. */
const ALONE = ['world/{durability,life,storm,lan}/**/*.test.ts']

export default defineConfig({
  test: {
    globalSetup: ['server/database/testing-global.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'together',
          include: ['{protocol,phone,server,cli,tools,world,bench}/**/*.test.ts'],
          exclude: ALONE,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: { name: 'alone', include: ALONE, maxWorkers: 1, sequence: { groupOrder: 1 } },
      },
    ],
  },
})
