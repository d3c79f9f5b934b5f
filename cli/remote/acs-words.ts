/** What all commands about TR-069 read and print alike. */
import { InvalidArgumentError } from 'commander'

/** Path of a device's TR-069 routes. */
export function deviceRoute(mac: string, rest = ''): string {
  return `devices/${encodeURIComponent(mac)}/tr069${rest === '' ? '' : `/${rest}`}`
}

/** A count on the command line. */
export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError(`"${text}" is not a whole number.`)
  return Number(text)
}

/** What a device said, in one line of a terminal: it must not move the cursor. */
export function oneLine(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')
}
