/** Steps that the scenarios have in common, in the words of the guide. */
import type { FetchPurpose } from '../../phone/agent/mod.ts'
import { assert } from '../../protocol/result.ts'
import type { WorldPhone } from '../mod.ts'
import { minutes, type PhoneOfScene, type Scene } from '../testing.ts'

/** A phone out of its box, booted and with an address; nothing has told it anything yet. */
export async function poweredOn(scene: Scene, how: PhoneOfScene = {}): Promise<WorldPhone> {
  const phone = await scene.phone(how)
  phone.powerOn()
  assert(await scene.world.until(() => phone.webReachable, minutes(2)), 'the phone boots')
  return phone
}

/** Paths that a phone has asked for, without their queries. */
export function pathsOf(phone: WorldPhone, purpose: FetchPurpose): readonly string[] {
  return phone.fetches
    .filter(({ request }) => request.purpose === purpose)
    .map(({ request }) => withoutQuery(request.path))
}

/** The same with scheme and host. */
export function urlsOf(phone: WorldPhone, purpose: FetchPurpose): readonly string[] {
  return phone.fetches
    .filter(({ request }) => request.purpose === purpose)
    .map(({ request: { scheme, host, path } }) => `${scheme}://${host}${withoutQuery(path)}`)
}

/** Names of what a phone said about itself. */
export function newsOf(phone: WorldPhone, ...names: readonly string[]): readonly string[] {
  return phone.says.map(({ event }) => event.name).filter((name) => names.includes(name))
}

function withoutQuery(path: string): string {
  return path.split('?')[0] ?? path
}
