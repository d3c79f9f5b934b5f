/** Phones that an action cannot reach in any way: said when it is asked for, and not by a failure later. */
import { setImmediate as letOthers } from 'node:timers/promises'
import type { MacAddress } from '../../protocol/identity.ts'
import {
  type ActionFilter,
  commandUrl,
  listWithoutSip,
  loadManyDeviceFacts,
  type NewActions,
  type WithoutSip,
} from '../store/mod.ts'
import type { ApiPlatform } from './context.ts'

/** Phones of one bulk whose profile is looked at for its command URL; of more, it is looked at when their turn comes. */
const LOOKED_AT_MAX = 2000
/** Profiles of one statement. */
const TOGETHER = 50
const NO_PROXY = 'no SIP proxy is set for its account or the platform (PUT /api/v1/sip-proxy sets one)'

export interface Unaskable {
  readonly mac: MacAddress
  readonly type: 'no-proxy' | 'no-way'
  /** Goes on after `Cannot ask …: `. */
  readonly reason: string
}

type Asked = Pick<NewActions, 'kind' | 'via' | 'profile'>

/** Of the devices that fit the filter; the rest can be asked as far as anybody knows. */
export async function unaskable(
  platform: ApiPlatform,
  filter: ActionFilter,
  asked: Asked,
): Promise<readonly Unaskable[]> {
  const rows = await listWithoutSip(platform.db, filter, asked.via)
  if (asked.via === 'sip') return rows.map(({ mac }) => ({ mac, type: 'no-proxy', reason: `${NO_PROXY}.` }))
  const found: Unaskable[] = []
  for (let at = 0; at < Math.min(rows.length, LOOKED_AT_MAX); at += TOGETHER) {
    found.push(...(await withoutUrl(platform, rows.slice(at, at + TOGETHER), asked)))
    await letOthers()
  }
  return found
}

async function withoutUrl(
  platform: ApiPlatform,
  rows: readonly WithoutSip[],
  { kind, via, profile }: Asked,
): Promise<readonly Unaskable[]> {
  const macs = rows.map(({ mac }) => mac)
  const all = await loadManyDeviceFacts(platform.db, platform.vault, macs)
  const allow = platform.settings.outboundAllow
  return rows.flatMap(({ mac, believedFrom }) => {
    const facts = all.get(mac)
    if (facts === undefined) return []
    const address = believedFrom ?? undefined
    const url = commandUrl({ kind, profile, facts, platform: platform.facts(), address, allow })
    if (url.ok) return []
    const first = via === 'url' ? 'its command URL cannot be asked' : `${NO_PROXY}, nor can its command URL be asked`
    return [{ mac, type: 'no-way', reason: `${first}: ${url.error}.` }]
  })
}
