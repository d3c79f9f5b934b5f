/** A phone to browse, for the tests of this folder. */
import { parseMacAddress, parseProductName, parseSerialNumber } from '../../../../protocol/identity.ts'
import { digestAuthorization, parseAuthChallenges } from '../../../../protocol/http/mod.ts'
import type { UserAccess } from '../../../../protocol/profile/mod.ts'
import { assert } from '../../../../protocol/result.ts'
import { createAgent } from '../../create.ts'
import type { Agent, WebRequest } from '../../types.ts'
import { answerWeb } from '../mod.ts'

export const NOW = 1_700_000_000_000

/** Chance from a seed. */
export function seeded(seed: number): () => number {
  let state = seed | 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 4_294_967_296
  }
}

/** A running CP-8851; a value is text, or text with the access of the user account. */
export function phone(values: Readonly<Record<string, string | readonly [string, UserAccess]>> = {}): Agent {
  const [mac, serial, productName] = [parseMacAddress('000e08aabbcc'), parseSerialNumber('FCH2305DMH0'), parseProductName('CP-8851-3PCC')]
  assert(mac !== undefined && serial !== undefined && productName !== undefined, 'the fixture names a phone')
  const blank = createAgent({
    mac,
    serial,
    productName,
    hardwareVersion: '2.0.1',
    factoryLoad: 'sip88xx.12-0-2MPP0001-609',
    clientCertificate: true,
    rcUrl: 'https://activate.example.net/',
  })
  const parameters = new Map(
    Object.entries(values).map(([element, given]) => {
      const [value, ua]: readonly [string, UserAccess] = typeof given === 'string' ? [given, 'na'] : given
      return [element, { value, ua, userPref: false, userModified: false }]
    }),
  )
  return { ...blank, flash: { ...blank.flash, parameters }, ram: { ...blank.ram, mode: 'running', bootedAt: NOW } }
}

const NO_BODY = new Uint8Array(0)

export function request(target: string, more: Partial<WebRequest> = {}): WebRequest {
  return { method: 'GET', target, headers: new Map(), body: NO_BODY, peerAddress: '192.0.2.77', tls: false, ...more }
}

export function ask(agent: Agent, target: string, more: Partial<WebRequest> = {}, now = NOW) {
  return answerWeb(agent, request(target, more), now, seeded(now % 9973))
}

/** @returns the value of WWW-Authenticate. */
export function challengeFrom(answer: ReturnType<typeof ask>): string {
  return answer.response.headers.find(([name]) => name === 'WWW-Authenticate')?.[1] ?? ''
}

/** Authorization for a challenge; `count` is the use of its nonce. */
export function sign(header: string, who: { user: string; password: string; target: string; method?: string; count?: number }): string {
  const [found] = parseAuthChallenges(header)
  assert(found?.scheme === 'digest', 'there is a digest challenge')
  const { user: username, password, target: uri, method = 'GET', count = 1 } = who
  return digestAuthorization(found.challenge, { username, password, method, uri, cnonce: 'abc', nonceCount: count })
}

/** Sends a form with the token of the page. */
export function post(agent: Agent, target: string, fields: Readonly<Record<string, string>>, headers: readonly (readonly [string, string])[] = []) {
  const page = ask(agent, target)
  const token = /name="\.token" value="([^"]*)"/.exec(ask(page.agent, `${target}?tab=User`).response.body)?.[1] ?? ''
  const body = new TextEncoder().encode(new URLSearchParams({ '.token': token, ...fields }).toString())
  const all = new Map([['content-type', 'application/x-www-form-urlencoded'], ...headers])
  return ask(page.agent, target, { method: 'POST', body, headers: all })
}
