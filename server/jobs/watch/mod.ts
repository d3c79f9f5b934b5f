import type { Job, Services } from '../../services.ts'

export async function startWatch(_platform: Services): Promise<Job> {
  return { close: () => Promise.resolve() }
}
