/** Tells of certificates whose end is near: each at 30, 14, 7 and 1 days, once for all processes. */
import { X509Certificate } from 'node:crypto'
import { casInForce, describeServerCertificate } from '../../pki/mod.ts'
import type { Services } from '../../services.ts'
import { loadDeviceCas, recordEvent, tellCertificateEnds } from '../../store/mod.ts'
import { warningDue } from './renewal.ts'

const LOOK_EVERY_MS = 60 * 60_000

interface Ending {
  readonly what: 'server-certificate' | 'device-ca'
  readonly name: string
  readonly fingerprint: string
  readonly notAfter: number
}

/** @returns what looks, at most once an hour, at what ends */
export function openEndings(services: Services): { tick(): Promise<void> } {
  let lookedAt = Number.NEGATIVE_INFINITY
  return {
    async tick() {
      const now = services.now()
      if (now - lookedAt < LOOK_EVERY_MS) return
      for (const ending of await endingsOf(services)) await tell(services, ending, now)
      lookedAt = now
    },
  }
}

async function endingsOf({ db, settings, serverCertificate }: Services): Promise<readonly Ending[]> {
  const shown = serverCertificate()
  const facts = shown === undefined ? undefined : describeServerCertificate(shown.chainPem)
  const server: readonly Ending[] =
    facts === undefined ? [] : [{ ...facts, what: 'server-certificate', name: facts.subject }]
  const cas = casInForce(await loadDeviceCas(db), settings.lab).map((ca): Ending => {
    const notAfter = Date.parse(new X509Certificate(ca.pem).validTo)
    return { what: 'device-ca', name: ca.name, fingerprint: ca.fingerprint, notAfter }
  })
  return [...server, ...cas]
}

async function tell(services: Services, ending: Ending, now: number): Promise<void> {
  const { what, name, fingerprint, notAfter } = ending
  const days = warningDue(notAfter, now)
  if (days === undefined) return
  const until = new Date(notAfter).toISOString()
  const news = await services.change(async (tx) => {
    if (!(await tellCertificateEnds(tx, { fingerprint, days }))) return false
    const data = { what, name, fingerprint, days, until }
    await recordEvent(tx, { name: 'certificate.ending', trust: 'system', mac: undefined, accountId: undefined, data })
    return true
  })
  if (news) services.log.warn({ event: 'certificate-ending', what, name, days, until }, 'a certificate ends soon')
}
