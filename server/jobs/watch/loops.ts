/** Whether a phone downloads its profile more often than its schedule explains, and why it likely does. Pure. */
import type { HourOfDownloads } from '../../store/mod.ts'

/** Downloads within an hour that nobody needs to explain: a person at the phone, a test. */
const UNEXPLAINED = 2
/** The first look back after a binding or a restart (`60+60,…`). */
const FIRST_LOOK = 1
/** Resyncs by NOTIFY, action URL or keypad that count as wanted. */
const COMMANDED_MAX = 12
/** Fewer than this within an hour are never worth an alarm. */
export const LOOP_LEAST = 9
const HOUR_S = 3600
/** The share of downloads that a reason must explain. */
const MOST = 0.6

export type LoopReason = 'marker-never-matches' | 'reboots' | 'retries' | 'commanded' | 'too-often'

export const LOOP_ADVICE: Readonly<Record<LoopReason, string>> = {
  'marker-never-matches':
    'It never runs what it was served: an element that the phone refuses or changes, or a second rule (Profile_Rule_C or D) that sets it back. Compare wanted and running in the diff of the device.',
  reboots:
    'It restarts over and over: look at power, at its reboot reasons in a status report, and at an upgrade that fails.',
  retries:
    'A run fails after the profile was fetched, so the phone tries again: look at what its other rules (B, C, D) ask for.',
  commanded: 'Somebody asks it to resync again and again: a script, a monitoring system, or a person.',
  'too-often':
    'It comes more often than it was told: look for a layer or a user that changed Resync_Periodic or a trigger.',
}

export interface LoopVerdict {
  readonly state: 'loop' | 'unclear' | 'calm'
  /** What its schedule explains within an hour. */
  readonly explained: number
  readonly reason: LoopReason
}

/** @param platformPeriodSeconds holds for devices without a period of their own */
export function judgeDownloads(hour: HourOfDownloads, platformPeriodSeconds: number): LoopVerdict {
  const explained = explainedWithinAnHour(hour, platformPeriodSeconds)
  const reason = likelyReason(hour)
  if (hour.total >= LOOP_LEAST && hour.total > 2 * explained) return { state: 'loop', explained, reason }
  return { state: hour.total <= explained ? 'calm' : 'unclear', explained, reason }
}

function explainedWithinAnHour({ commanded, periodSeconds }: HourOfDownloads, platformPeriodSeconds: number): number {
  const period = periodSeconds ?? platformPeriodSeconds
  // The period is the longest wait; with jitter a phone may be back after eight ninths of it.
  const periodic = period > 0 ? Math.floor((HOUR_S * 9) / (period * 8)) + 1 : 0
  return periodic + FIRST_LOOK + UNEXPLAINED + Math.min(commanded, COMMANDED_MAX)
}

function likelyReason({ total, power, retry, commanded, unmatched }: HourOfDownloads): LoopReason {
  const most = total * MOST
  if (power >= most) return 'reboots'
  if (retry >= most) return 'retries'
  if (unmatched >= most) return 'marker-never-matches'
  if (commanded >= most) return 'commanded'
  return 'too-often'
}
