import type { Job, Services } from '../../services.ts'

export async function startWebhooks(_platform: Services): Promise<Job> {
  return { close: () => Promise.resolve() }
}
