/** What a route needs to be there, or the 404 that says it is not. */
import type { MacAddress } from '../../protocol/identity.ts'
import type { DeviceFacts } from '../devices/mod.ts'
import { loadDeviceFacts } from '../store/mod.ts'
import type { ApiPlatform } from './context.ts'
import { notFound } from './problem.ts'

export async function existingFacts(platform: ApiPlatform, mac: MacAddress): Promise<DeviceFacts> {
  const facts = await loadDeviceFacts(platform.db, platform.vault, mac)
  if (facts === undefined) throw notFound('device', mac)
  return facts
}
