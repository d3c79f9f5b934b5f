import type { Api, ApiPlatform } from '../context.ts'
import { Health } from '../contract.ts'
import { answered } from '../database-away.ts'

/** 200 only when every door listens and migrations are done; 503 before, and while the database does not answer. */
export function healthRoutes(api: Api, platform: () => ApiPlatform | undefined): void {
  api.get(
    '/health',
    { schema: { summary: 'Whether everything is up', security: [], response: { 200: Health, 503: Health } } },
    async (_request, reply) => {
      const current = platform()
      if (current === undefined) return reply.code(503).send({ status: 'starting', doors: {} })
      const database = await answers(current)
      const doors = { tftp: true, http: true, https: true, api: true, syslog: true, database }
      return reply.code(database ? 200 : 503).send({ status: database ? 'ok' : 'failing', doors })
    },
  )
}

async function answers(platform: ApiPlatform): Promise<boolean> {
  try {
    await answered(platform.db.one({ name: 'health', text: 'select 1 as one', values: [] }))
    return true
  } catch {
    // That it does not answer is the answer.
    return false
  }
}
