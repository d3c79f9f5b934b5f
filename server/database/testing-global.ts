import { openTestServer, TEST_SERVER_VARIABLE } from './testing.ts'

/**
 * Vitest's globalSetup: the door to one PostgreSQL for the whole run, and its end. Costs nothing unless a test asks for
 * it.
 */
export default async function setup(): Promise<() => Promise<void>> {
  const server = await openTestServer()
  process.env[TEST_SERVER_VARIABLE] = server.socket
  return () => server.stop()
}
