/**
 * Which of our phones a log line comes from: the MAC that it names, else a serial number, else the one phone that was
 * believed from that address last. Nothing of it is proof, so all of it stays a claim.
 */
import { type MacAddress, parseMacAddress, parseSerialNumber } from '../../protocol/identity.ts'
import type { Millis } from '../../protocol/result.ts'
import type { DeviceFacts } from '../devices/mod.ts'
import { findMacByAddress, findMacBySerial } from '../store/mod.ts'
import type { Services } from '../services.ts'

export interface Recogniser {
  /** undefined: none of ours. */
  recognise(text: string, peer: string, now: Millis): Promise<DeviceFacts | undefined>
}

/** Names and addresses that were looked up lately, found or not. */
const LOOKED_UP_MAX = 20_000
const LOOK_UP_AGAIN_MS = 60_000
/** Words of one text that are tried as a serial number. */
const SERIALS_TRIED_MAX = 3

const MAC_FORM =
  /(?<![0-9a-f])(?:[0-9a-f]{12}|[0-9a-f]{2}(?::[0-9a-f]{2}){5}|[0-9a-f]{2}(?:-[0-9a-f]{2}){5}|[0-9a-f]{4}(?:\.[0-9a-f]{4}){2})(?![0-9a-f])/i
/** Cisco's: three letters, then year, week and number. */
const SERIAL_FORM = /\b[A-Z]{3}[0-9A-Z]{8}\b/g

export function createRecogniser(platform: Pick<Services, 'db' | 'directory'>): Recogniser {
  const { db, directory } = platform
  const bySerial = remembered((serial) => findMacBySerial(db, serial))
  const byAddress = remembered((address) => findMacByAddress(db, address))
  return {
    async recognise(text, peer, now) {
      const named = macIn(text)
      if (named !== undefined) return directory.device(named)
      for (const serial of serialsIn(text)) {
        const mac = await bySerial(serial, now)
        if (mac !== undefined) return directory.device(mac)
      }
      const mac = await byAddress(peer, now)
      return mac === undefined ? undefined : directory.device(mac)
    },
  }
}

export function macIn(text: string): MacAddress | undefined {
  const match = MAC_FORM.exec(text)
  return match === null ? undefined : parseMacAddress(match[0])
}

export function serialsIn(text: string): readonly string[] {
  return [...text.matchAll(SERIAL_FORM)]
    .map(([word]) => parseSerialNumber(word))
    .filter((serial) => serial !== undefined && /[0-9]/.test(serial))
    .slice(0, SERIALS_TRIED_MAX) as string[]
}

/** One statement a minute for each name, however often it comes. */
function remembered(
  find: (key: string) => Promise<MacAddress | undefined>,
): (key: string, now: Millis) => Promise<MacAddress | undefined> {
  const known = new Map<string, { readonly at: Millis; readonly found: Promise<MacAddress | undefined> }>()
  return (key, now) => {
    const entry = known.get(key)
    if (entry !== undefined && now - entry.at < LOOK_UP_AGAIN_MS) return entry.found
    known.delete(key)
    if (known.size >= LOOKED_UP_MAX) known.delete(known.keys().next().value ?? '')
    const found = find(key)
    known.set(key, { at: now, found })
    found.catch(() => known.delete(key))
    return found
  }
}
