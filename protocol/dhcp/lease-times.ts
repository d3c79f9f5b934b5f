/** A lease without end, as DHCP writes it (RFC 2131 §3.3, RFC 8415 §7.7). */
export const FOREVER_SECONDS = 0xffff_ffff

/**
 * Shortest lease that is kept to, in seconds: a server that grants less cannot make a phone ask all the time. Short ones are
 * real, on a bench and before a network is renumbered, and nobody may use an address for longer than it was given.
 */
export const LEASE_SECONDS_MIN = 10

/** Earliest renewal, in seconds: half of the shortest lease. */
export const RENEW_SECONDS_MIN = 5

/** Times of a lease in seconds since it was asked for; RENEW_SECONDS_MIN <= renew < rebind < lease, or all forever. */
export interface LeaseTimes {
  readonly leaseSeconds: number
  readonly renewSeconds: number
  readonly rebindSeconds: number
}

/**
 * Brings the times of a server into order. What is missing, zero or out of order becomes half (T1) and seven eighths (T2) of
 * the lease (RFC 2131 §4.4.5), or `usual` where that is given and fits.
 */
export function clampLeaseTimes(
  lease: number,
  renew: number | undefined,
  rebind: number | undefined,
  usual?: { readonly renew: number; readonly rebind: number },
): LeaseTimes {
  if (lease >= FOREVER_SECONDS) {
    return { leaseSeconds: FOREVER_SECONDS, renewSeconds: FOREVER_SECONDS, rebindSeconds: FOREVER_SECONDS }
  }
  const leaseSeconds = Math.max(LEASE_SECONDS_MIN, lease)
  const rebindSeconds =
    firstWithin([rebind, usual?.rebind], RENEW_SECONDS_MIN + 1, leaseSeconds) ?? Math.floor(leaseSeconds * 0.875)
  // Four sevenths of seven eighths are the half; with another T2 the same part of that.
  const renewSeconds =
    firstWithin([renew, usual?.renew, leaseSeconds * 0.5, (rebindSeconds * 4) / 7], RENEW_SECONDS_MIN, rebindSeconds) ??
    RENEW_SECONDS_MIN
  return { leaseSeconds, renewSeconds, rebindSeconds }
}

/** @returns the first of some numbers of seconds, without its fraction, that is at least `from` and before `to`. */
function firstWithin(candidates: readonly (number | undefined)[], from: number, to: number): number | undefined {
  return candidates
    .flatMap((seconds) => (seconds === undefined ? [] : [Math.floor(seconds)]))
    .find((seconds) => seconds >= from && seconds < to)
}
