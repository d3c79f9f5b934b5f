/** What a phone says of itself: its last full report, and every delta since laid over it. Source: MPP §12.2. */
import type { UserAccess } from '../../protocol/profile/mod.ts'
import type { Millis } from '../../protocol/result.ts'
import { REPORT_ELEMENTS_MAX, type ReportContent } from './report-content.ts'

export interface ReportedValue {
  readonly value: string
  readonly ua: UserAccess | undefined
  /** When it was told with this value. */
  readonly at: Millis
}

export interface Reported {
  /** Of the newest report in it. */
  readonly at: Millis
  /** undefined while there were only deltas: what they do not name is not known. */
  readonly fullAt: Millis | undefined
  readonly values: ReadonlyMap<string, ReportedValue>
}

/** @returns what is known after this report; the same as before for one that names no parameters */
export function withReport(before: Reported | undefined, content: ReportContent, at: Millis): Reported | undefined {
  if (content.kind !== 'full' && content.kind !== 'delta') return before
  const full = content.kind === 'full'
  const values = new Map<string, ReportedValue>(full ? [] : before?.values)
  for (const { name, value, ua } of content.elements) {
    if (!values.has(name) && values.size >= REPORT_ELEMENTS_MAX) break
    const known = before?.values.get(name)
    // An unchanged value keeps the time when it was first told: a difference is as old as that.
    const since = known !== undefined && known.value === value ? known.at : at
    values.set(name, { value, ua: ua ?? known?.ua, at: since })
  }
  return { at, fullAt: full ? at : before?.fullAt, values }
}

type Row = readonly [name: string, value: string, ua: UserAccess | null, at: Millis]

/** As JSON text, to be sealed. */
export function encodeReported(reported: Reported): string {
  const rows = [...reported.values].map(([name, { value, ua, at }]): Row => [name, value, ua ?? null, at])
  return JSON.stringify({ at: reported.at, fullAt: reported.fullAt ?? null, rows })
}

/** @param text of `encodeReported`; it comes from our own database */
export function decodeReported(text: string): Reported {
  const { at, fullAt, rows } = JSON.parse(text) as { at: Millis; fullAt: Millis | null; rows: readonly Row[] }
  return {
    at,
    fullAt: fullAt ?? undefined,
    values: new Map(rows.map(([name, value, ua, since]) => [name, { value, ua: ua ?? undefined, at: since }])),
  }
}
