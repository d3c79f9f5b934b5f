import type { DiscoveryProblem } from './types.ts'

/** Most problems that are told of one configuration: with more of them, the first ones say enough. */
export const PROBLEMS_MAX = 200

/** Most characters of a value that are shown in a message. */
const SHOWN_MAX = 80

/** @returns a value in quotes, cut where it is long. */
export function shown(value: string): string {
  return JSON.stringify(value.length > SHOWN_MAX ? `${value.slice(0, SHOWN_MAX)}…` : value)
}

/** @returns a URL in quotes with nothing but scheme, host and port: its path and query may hold a secret. */
export function shownUrl(url: string): string {
  const found = /^([a-z]+:\/\/)(?:[^/?#]*@)?([^/?#\s]*)/i.exec(url)
  return found === null ? shown(url.slice(0, 8)) : shown(`${found[1]}${found[2]}`)
}

export function discoveryProblem(code: string, place: string, message: string, advice: string): DiscoveryProblem {
  return { code, place, message, advice }
}
