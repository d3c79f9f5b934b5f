/**
 * From what the machines can do to the delays that phones are told to keep, so that all of them at once are spread to
 * what can be served. Pure arithmetic; docs say the same in words.
 *
 *     k   handshakes of one run: the profile, and the acknowledgement on a connection of its own
 *     r   runs after a boot: the first one, and the first look of Resync_Periodic, one to two minutes later
 *     R = u * H / (k * r)      phones a second that are served with room to spare (H measured, u the share we plan with)
 *     D = N / R                seconds over which N phones must be spread
 *
 * Source: MPP §5.1 (units and ranges), §5.2 (lists), §15 (what storms look like).
 */

/** Connections of one run of a phone: two, when it does not keep the first one open. */
export const HANDSHAKES_PER_RUN = 2
export const RUNS_AFTER_BOOT = 2
/** The share of the measured rate that is planned with: the rest is for people, retries and a slower day. */
export const PLANNED_SHARE = 0.5

/** `Resync_Random_Delay` counts in 20 s (MPP §5.1). */
const RANDOM_DELAY_UNIT_S = 20
const RANDOM_DELAY_LEAST = 2
const SIXTEEN_BITS = 65_535
const AT_LEAST_S = 600
/** The jitter of the platform's own list: an eighth of the period. */
const PERIOD_JITTER_SHARE = 1 / 8
const DAY_S = 86_400

export interface FleetLoad {
  /** Phones that may come at once. */
  readonly phones: number
  /** Full handshakes a second, measured, of all processes together. */
  readonly handshakesPerSecond: number
  /** What the phones are told now, or what the operator wishes. */
  readonly periodSeconds: number
}

export interface Spread {
  /** Phones a second that are served with room to spare. */
  readonly phonesPerSecond: number
  /** How long it takes at full speed until all of them were served, when they come at once and patiently wait. */
  readonly stormSeconds: number
  /** Over how many seconds they must be spread. */
  readonly spreadSeconds: number
  /** The share of the machine that the periodic resyncs take on average, 0 to 1 and more. */
  readonly periodicShare: number
}

export function spreadOf({ phones, handshakesPerSecond, periodSeconds }: FleetLoad): Spread {
  const rate = Math.max(handshakesPerSecond, 0.001)
  const phonesPerSecond = (PLANNED_SHARE * rate) / (HANDSHAKES_PER_RUN * RUNS_AFTER_BOOT)
  return {
    phonesPerSecond,
    stormSeconds: (phones * HANDSHAKES_PER_RUN) / rate,
    spreadSeconds: Math.ceil(phones / phonesPerSecond),
    periodicShare: (phones * HANDSHAKES_PER_RUN) / (rate * Math.max(1, periodSeconds)),
  }
}

/**
 * Parameters of a layer.
 *
 * - `Resync_Random_Delay`: D in units of 20 s, rounded up: after a power cut all phones start within D.
 * - `Resync_At_Random_Delay`: D, at least the 600 s that phones make of less.
 * - `Resync_Periodic`: the period is stretched until it fits into the planned share; its jitter is D or an eighth of it,
 *   whichever is more, so that phones that once came together drift apart within one period.
 * - error retries: each step waits longer, and its jitter is at least D: those turned away together come back spread.
 */
export function suggestDelays(load: FleetLoad): Readonly<Record<string, string>> {
  const { spreadSeconds } = spreadOf(load)
  const bounded = Math.min(SIXTEEN_BITS, spreadSeconds)
  const least = Math.ceil(spreadSeconds)
  const period = Math.max(load.periodSeconds, least)
  const jitter = Math.max(Math.ceil(period * PERIOD_JITTER_SHARE), spreadSeconds)
  const retries = errorRetries(spreadSeconds)
  return {
    Resync_Random_Delay: String(
      Math.min(SIXTEEN_BITS, Math.max(RANDOM_DELAY_LEAST, Math.ceil(spreadSeconds / RANDOM_DELAY_UNIT_S))),
    ),
    Resync_At_Random_Delay: String(Math.max(AT_LEAST_S, bounded)),
    Resync_Periodic: `60+60,${period}+${jitter}`,
    Resync_Error_Retry_Delay: retries,
    Upgrade_Error_Retry_Delay: retries,
  }
}

const RETRY_STEPS_S = [60, 120, 240, 480, 960, 1920, 3600] as const

function errorRetries(spreadSeconds: number): string {
  const jitterMax = Math.min(spreadSeconds, DAY_S)
  return RETRY_STEPS_S.map((step) => `${step}+${Math.max(step === 3600 ? 1800 : Math.ceil(step / 2), jitterMax)}`).join(
    ',',
  )
}
