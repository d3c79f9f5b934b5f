import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['{protocol,phone,server,cli,tools,world,bench}/**/*.test.ts'],
    globalSetup: ['server/database/testing-global.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
