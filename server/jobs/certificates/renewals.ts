/** Renewal by ACME: one process at a time has the work in hand, for as long as it lives. */
import { certificatesOf, checkServerCertificate, describeServerCertificate, isFatal } from '../../pki/mod.ts'
import type { Services } from '../../services.ts'
import {
  type AcmeWork,
  addCertificate,
  claimAcme,
  giveBackAcme,
  holdAcme,
  putChallenge,
  putInForce,
  recordEvent,
  removeChallenge,
  settleAcme,
} from '../../store/mod.ts'
import { orderCertificate, type OrderedCertificate } from './order.ts'
import { renewalAt, retryAt } from './renewal.ts'

/** A process that dies at work is followed by another after this time. */
const LEASE_S = 60
const HOLD_EVERY_MS = 20_000
const ERROR_CHARS_MAX = 1000
const WHO = 'acme'

export interface Renewals {
  /** Does what is due, if nobody else does. */
  tick(): Promise<void>
  /** Breaks off what is under way; it is given back. */
  stop(): void
}

export function openRenewals(services: Services): Renewals {
  const stopping = new AbortController()
  return {
    async tick() {
      const work = await claimAcme(services.db, services.vault, LEASE_S)
      if (work !== undefined) await renew(services, work, stopping.signal)
    },
    stop: () => stopping.abort(),
  }
}

async function renew(services: Services, work: AcmeWork, stopped: AbortSignal): Promise<void> {
  const lost = new AbortController()
  const hold = setInterval(() => {
    holdAcme(services.db, work.lease, LEASE_S)
      .then((held) => held || lost.abort())
      // Without the database nothing can be finished either.
      .catch(() => lost.abort())
  }, HOLD_EVERY_MS).unref()
  try {
    const signal = AbortSignal.any([stopped, lost.signal])
    const ordered = await orderCertificate({
      ...work,
      signal,
      putChallenge: (token, answer) => putChallenge(services.db, token, answer),
      removeChallenge: (token) => removeChallenge(services.db, token),
    })
    await install(services, work, ordered)
  } catch (error) {
    if (stopped.aborted) await giveBackAcme(services.db, work.lease)
    else await fail(services, work, error instanceof Error ? error.message : String(error))
  } finally {
    clearInterval(hold)
  }
}

/** All of it or nothing: the certificate is in force, the next time is set, and it is told. */
async function install(services: Services, work: AcmeWork, ordered: OrderedCertificate): Promise<void> {
  const chainPem = certificatesOf(ordered.chainPem)
  const { keyPem, csrPem, accountUrl } = ordered
  const problem = checkServerCertificate({ chainPem, keyPem }, work.hosts, services.now()).find(isFatal)
  const facts = describeServerCertificate(chainPem)
  if (problem !== undefined || facts === undefined) {
    throw new Error(`the authority sent a certificate that cannot be used: ${problem?.message ?? 'it cannot be read'}`)
  }
  const { hosts, notBefore, notAfter, fingerprint } = facts
  const done = await services.change(async (tx) => {
    const nextAt = renewalAt(facts)
    if (!(await settleAcme(tx, work.lease, { error: null, accountUrl, nextAt }))) return false
    const id = await addCertificate(tx, services.vault, WHO, { source: 'acme', hosts, csr: csrPem, keyPem })
    const phoneCa = work.ca ?? undefined
    await putInForce(tx, WHO, { id, chainPem, phoneCa, hosts, notBefore, notAfter })
    const data = { certificate: id, hosts: hosts.join(', '), until: new Date(notAfter).toISOString(), fingerprint }
    await recordEvent(tx, { name: 'certificate.renewed', trust: 'system', mac: undefined, accountId: undefined, data })
    return true
  })
  if (done) services.log.info({ event: 'certificate-renewed', hosts, fingerprint }, 'a new certificate is in force')
}

async function fail(services: Services, work: AcmeWork, message: string): Promise<void> {
  const error = message.slice(0, ERROR_CHARS_MAX)
  const nextAt = retryAt(work.failures + 1, services.now(), Math.random)
  const told = await services.change(async (tx) => {
    if (!(await settleAcme(tx, work.lease, { error, accountUrl: null, nextAt }))) return false
    const { directory, hosts } = work
    const data = {
      directory,
      hosts: hosts.join(', '),
      error,
      failures: work.failures + 1,
      nextAt: new Date(nextAt).toISOString(),
    }
    const name = 'certificate.renewal-failed'
    await recordEvent(tx, { name, trust: 'system', mac: undefined, accountId: undefined, data })
    return true
  })
  if (told)
    services.log.warn({ event: 'certificate-renewal-failed', reason: error }, 'a certificate could not be fetched')
}
