/**
 * POSIX writes a zone as what must be added to get UTC, the profile as what UTC must be added: `GMT+8` is `GMT-08:00`
 * [TR-069 §10]. Daylight saving has elements of its own, so a zone with its rules is not taken.
 */
const PROFILE = /^GMT(?:([+-])(\d\d):(\d\d))?$/
const POSIX = /^(?:[A-Za-z]{3,10}|<[A-Za-z\d+-]{3,10}>)([+-]?)(\d{1,2})(?::([0-5]\d))?(?::00)?$/
const HOURS_MAX = 24

/** A text that is no zone of the profile stays as it is. */
export function readTimeZone(stored: string): string {
  const match = PROFILE.exec(stored)
  if (match === null) return stored
  const [, sign, hours = '0', minutes = '00'] = match
  const offset = `${Number(hours)}${minutes === '00' ? '' : `:${minutes}`}`
  if (offset === '0') return 'GMT0'
  return `GMT${sign === '-' ? '+' : '-'}${offset}`
}

/** The profile's zone, whether the phone has it or not; undefined: no zone of POSIX, or one with daylight saving. */
export function writeTimeZone(text: string): string | undefined {
  const match = POSIX.exec(text)
  if (match === null) return undefined
  const [, sign, hours = '0', minutes = '00'] = match
  if (Number(hours) > HOURS_MAX) return undefined
  if (Number(hours) === 0 && minutes === '00') return 'GMT'
  return `GMT${sign === '-' ? '+' : '-'}${hours.padStart(2, '0')}:${minutes}`
}
