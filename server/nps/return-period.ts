/** When a phone that was given this profile should be back at the latest. */
import { parseDelayList } from '../../protocol/rule/mod.ts'
import type { DeviceFacts } from '../devices/mod.ts'
import { periodicList, type PlatformFacts } from '../profiles/mod.ts'

const DAY_S = 86_400
/** The least window of `Resync_At_Random_Delay` (MPP §5.1). */
const AT_WINDOW_S = 600

/**
 * Read from the layers alone, narrowest first, without composing the profile: it is asked at each download.
 * @returns seconds: the longest wait of `Resync_Periodic`, a day and the window for `Resync_At__HHmm_`, which wins
 *   (MPP §5.1); undefined when the phone is told not to come by itself
 */
export function returnPeriod(facts: DeviceFacts, platform: PlatformFacts): number | undefined {
  if (/^no$/i.test(valueOf(facts, 'Provision_Enable') ?? 'Yes')) return undefined
  if (isTimeOfDay(valueOf(facts, 'Resync_At__HHmm_'))) {
    const window = Number(valueOf(facts, 'Resync_At_Random_Delay') ?? AT_WINDOW_S)
    return DAY_S + Math.max(AT_WINDOW_S, Number.isFinite(window) ? window : AT_WINDOW_S)
  }
  const text = valueOf(facts, 'Resync_Periodic') ?? periodicList(platform.resyncPeriodSeconds)
  if (text !== lastRead.text) lastRead = { text, seconds: longestOf(text) }
  return lastRead.seconds
}

/** Nearly all phones of a provider have the same list. */
let lastRead: { readonly text: string; readonly seconds: number | undefined } = { text: '', seconds: longestOf('') }

function longestOf(text: string): number | undefined {
  const list = parseDelayList(text)
  if (!list.ok) return undefined
  const longest = Math.max(0, ...list.value.delays.map(({ seconds, randomSeconds }) => seconds + randomSeconds))
  return longest === 0 ? undefined : longest
}

function valueOf({ layers }: DeviceFacts, element: string): string | undefined {
  for (let index = layers.length - 1; index >= 0; index--) {
    const parameter = layers[index]?.parameters.get(element)
    if (parameter !== undefined) return parameter.value
  }
  return undefined
}

function isTimeOfDay(text: string | undefined): boolean {
  if (text === undefined || !/^[0-9]{4}$/.test(text)) return false
  const hours = Number(text.slice(0, 2))
  const minutes = Number(text.slice(2))
  return minutes < 60 && (hours < 24 || text === '2400')
}
