/**
 * The phone's own clock: its time zone and daylight saving parameters.
 * Source: MPP §13.6 (Time_Zone, Time_Offset, Daylight_Saving_*), §14 (DSTRule).
 */
import type { Millis } from '../../protocol/result.ts'
import { parameterText, parameterYes } from './parameters.ts'
import type { Agent } from './types.ts'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

/** Calendar fields of one time in the phone's local zone. */
export interface LocalTime {
  readonly year: number
  /** 1 to 12. */
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
}

/** @returns the local calendar of the phone. */
export function localTime(agent: Agent, at: Millis): LocalTime {
  return calendar(at + offsetMs(agent, at))
}

/** @returns the calendar in UTC; the display's status messages use it (MPP §7.4). */
export function utcTime(at: Millis): LocalTime {
  return calendar(at)
}

/** @returns the first time after `now` at which the local clock shows hour and minute. */
export function nextLocal(agent: Agent, hour: number, minute: number, now: Millis): Millis {
  const offset = offsetMs(agent, now)
  const midnight = Math.floor((now + offset) / DAY_MS) * DAY_MS
  const wanted = midnight + (hour * 60 + minute) * MINUTE_MS
  for (const day of [0, 1, 2]) {
    const local = wanted + day * DAY_MS
    // The offset of the wanted time counts, not that of now: the clock may change in between.
    const at = local - offsetMs(agent, local - offset)
    if (at > now) return at
  }
  return now + DAY_MS
}

/**
 * @returns a time as the Info page, status.xml and status reports tell it: `MM/DD/YYYY HH:MM:SS` on the phone's own
 * clock, empty for a time that no calendar has. Only the messages on the display are in UTC (MPP §7.4).
 */
export function localStamp(agent: Agent, at: Millis): string {
  const time = localTime(agent, at)
  return time.year >= 0 && time.year <= 9999 ? printDateTime(time) : ''
}

/** `MM/DD/YYYY HH:MM:SS`, the form of the status pages (MPP §7.4). */
export function printDateTime(time: LocalTime): string {
  return `${two(time.month)}/${two(time.day)}/${time.year} ${printTime(time)}`
}

/** `HH:MM:SS`. */
export function printTime(time: LocalTime): string {
  return `${two(time.hour)}:${two(time.minute)}:${two(time.second)}`
}

/** East of Greenwich is positive. */
function offsetMs(agent: Agent, at: Millis): number {
  const standard =
    zoneMinutes(parameterText(agent, 'Time_Zone')) + extraMinutes(parameterText(agent, 'Time_Offset__HH_mm_'))
  const rule = parameterYes(agent, 'Daylight_Saving_Time_Enable')
    ? parseDstRule(parameterText(agent, 'Daylight_Saving_Time_Rule'))
    : undefined
  const saved = rule !== undefined && isSummer(rule, at + standard * MINUTE_MS) ? rule.saveMinutes : 0
  return (standard + saved) * MINUTE_MS
}

function zoneMinutes(text: string): number {
  const [, sign, hours = '0', minutes = '0'] = /^GMT([+-])([0-9]{1,2}):([0-9]{2})$/.exec(text.trim()) ?? []
  return signed(sign, hours, minutes)
}

function extraMinutes(text: string): number {
  const [, sign, hours = '0', minutes = '0'] = /^([+-]?)([0-9]{1,2})[/:]([0-9]{1,2})$/.exec(text.trim()) ?? []
  return signed(sign, hours, minutes)
}

function signed(sign: string | undefined, hours: string, minutes: string): number {
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes))
}

interface DstPoint {
  readonly month: number
  /** Negative counts from the end of the month. */
  readonly day: number
  /** 0 for no weekday, else 1 Monday to 7 Sunday. */
  readonly weekday: number
  readonly timeMs: number
}

interface DstRule {
  readonly start: DstPoint
  readonly end: DstPoint
  readonly saveMinutes: number
}

/** `start=3/-1/7/2;end=10/-1/7/2;save=1` (MPP §14). */
function parseDstRule(text: string): DstRule | undefined {
  const parts = new Map(text.split(';').map((part) => [part.split('=')[0]?.trim(), part.split('=')[1]?.trim() ?? '']))
  const start = parseDstPoint(parts.get('start') ?? '')
  const end = parseDstPoint(parts.get('end') ?? '')
  const save = /^(-?)([0-9]{1,2})(?::([0-9]{1,2}))?(?::[0-9]{1,2})?$/.exec(parts.get('save') ?? '')
  if (start === undefined || end === undefined || save === null) return undefined
  return { start, end, saveMinutes: signed(save[1], save[2] ?? '0', save[3] ?? '0') }
}

function parseDstPoint(text: string): DstPoint | undefined {
  const match = /^([0-9]{1,2})\/(-?[0-9]{1,2})\/([0-7])(?:\/([0-9]{1,2})(?::([0-9]{1,2}))?(?::([0-9]{1,2}))?)?$/.exec(
    text,
  )
  if (match === null) return undefined
  const [month, day, weekday, hour, minute, second] = match.slice(1).map((part) => Number(part ?? 0))
  if (month === undefined || month < 1 || month > 12 || day === undefined || day === 0) return undefined
  const timeMs = (((hour ?? 0) * 60 + (minute ?? 0)) * 60 + (second ?? 0)) * 1000
  return { month, day, weekday: weekday ?? 0, timeMs }
}

/** @param local  standard local time as if it were UTC */
function isSummer(rule: DstRule, local: Millis): boolean {
  const { year } = calendar(local)
  const start = instant(rule.start, year)
  // The end is written in summer time.
  const end = instant(rule.end, year) - rule.saveMinutes * MINUTE_MS
  return start < end ? local >= start && local < end : local >= start || local < end
}

function instant(point: DstPoint, year: number): Millis {
  const days = new Date(Date.UTC(year, point.month, 0)).getUTCDate()
  const from = point.day > 0 ? point.day : days + 1 + point.day
  const date = Date.UTC(year, point.month - 1, from)
  if (point.weekday === 0) return date + point.timeMs
  const weekday = new Date(date).getUTCDay() || 7
  // The first such weekday on or after a day, the last one on or before a day that is counted from the end.
  const shift = point.day > 0 ? (point.weekday - weekday + 7) % 7 : -((weekday - point.weekday + 7) % 7)
  return date + shift * DAY_MS + point.timeMs
}

function calendar(at: Millis): LocalTime {
  const date = new Date(at)
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
  }
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}
