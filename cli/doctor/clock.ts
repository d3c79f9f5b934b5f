import { request } from 'node:https'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { examineClock } from '../../server/store/mod.ts'
import { type Check, type Finding, NETWORK_MS, ok, problem, reasonOf, warning } from './finding.ts'
import { askUdp } from './probes.ts'

const CHECK = 'clock'
/** Beyond this codes and windows end at the wrong time; far beyond, certificates do. */
const WARN_MS = 5_000
const PROBLEM_MS = 60_000
/** Seconds from 1900 to 1970 (RFC 5905 §6). */
const NTP_EPOCH_S = 2_208_988_800
const NTP_BYTES = 48
const NTP_PORT = 123

/** This machine's clock against the database's, the NTP server's and that of whoever answers at the public URL. */
export const checkClock: Check = async ({ settings, db }) => {
  const findings: Finding[] = []
  if (db !== undefined) findings.push(compared('the database', await offsetOf(() => examineClock(db))))
  if (settings.ntpServer !== undefined) findings.push(await byNtp(settings.ntpServer))
  if (settings.publicUrl !== undefined) findings.push(...(await byHttp(settings.publicUrl)))
  return findings.length > 0
    ? findings
    : [ok(CHECK, 'There is nothing to compare the clock with', new Date().toISOString())]
}

/** @returns by how much the other clock is ahead, half of the way there and back taken off */
async function offsetOf(ask: () => Promise<number>): Promise<number> {
  const before = Date.now()
  const theirs = await ask()
  return theirs - (before + Date.now()) / 2
}

function compared(whose: string, offsetMs: number, exactMs = 0): Finding {
  const far = Math.abs(offsetMs) - exactMs
  const value = `${(offsetMs / 1000).toFixed(1)} s`
  const what = `The clock of ${whose} ${offsetMs < 0 ? 'is behind' : 'is ahead of'} this one`
  const advice = 'Set both by NTP (timedatectl set-ntp true): codes, windows and certificates end by the clock.'
  if (far > PROBLEM_MS) return problem(CHECK, what, value, advice)
  if (far > WARN_MS) return warning(CHECK, what, value, advice)
  return ok(CHECK, `The clock agrees with that of ${whose}`, value)
}

/** RFC 5905 §14: one client packet. */
async function byNtp(host: string): Promise<Finding> {
  const question = new Uint8Array(NTP_BYTES)
  question[0] = 0x23
  const unanswered = (why: string): Finding =>
    warning(
      CHECK,
      `The NTP server "${host}" does not answer; phones get it as theirs`,
      why,
      'Correct OFFHOOK_NTP_SERVER.',
    )
  try {
    let answer: Buffer | undefined
    const offset = await offsetOf(async () => {
      answer = await askUdp(host, NTP_PORT, question)
      if (answer === undefined || answer.length < NTP_BYTES) return Number.NaN
      return (answer.readUInt32BE(40) - NTP_EPOCH_S) * 1000 + (answer.readUInt32BE(44) / 2 ** 32) * 1000
    })
    return Number.isNaN(offset) ? unanswered('no answer') : compared(`the NTP server "${host}"`, offset)
  } catch (error) {
    return unanswered(reasonOf(error))
  }
}

/** A Date header has whole seconds. Nothing is said where nobody answers: that is the affair of another check. */
async function byHttp(url: string): Promise<readonly Finding[]> {
  try {
    const offset = await offsetOf(async () => {
      const asked = request(url, { method: 'HEAD', rejectUnauthorized: false, signal: AbortSignal.timeout(NETWORK_MS) })
      asked.end()
      const [response] = (await once(asked, 'response')) as [IncomingMessage]
      response.resume()
      return Date.parse(response.headers.date ?? '') + 500
    })
    return Number.isNaN(offset) ? [] : [compared('the server at the public URL', offset, 500)]
  } catch {
    return []
  }
}
