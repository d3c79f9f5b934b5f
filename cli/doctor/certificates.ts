import { readFile } from 'node:fs/promises'
import {
  checkServerCertificate,
  checkServerChain,
  describeServerCertificate,
  phonesAccepting,
  type ServerCertificateFacts,
} from '../../server/pki/mod.ts'
import { examineCertificate } from '../../server/store/mod.ts'
import {
  type Check,
  type Examined,
  type Finding,
  inUrl,
  NETWORK_MS,
  ok,
  problem,
  reachable,
  reasonOf,
  warning,
} from './finding.ts'
import { shownChain } from './probes.ts'

const CHECK = 'certificates'
const DAY_MS = 86_400_000
const DAYS_FEW = 21
const DAYS_LAST = 3
/** What the HTTPS door speaks at least. */
const TLS_MIN = '1.2'

/** The certificate that phones see: its end, its hosts, and which phones would refuse it. */
export const checkCertificates: Check = async (examined) => {
  const shown = await certificateOf(examined).catch((error: unknown) => reasonOf(error))
  if (shown === undefined)
    return [ok(CHECK, 'The server signs its own certificate when it starts; phones learn its CA')]
  if (typeof shown === 'string') {
    const advice = 'Correct OFFHOOK_TLS_CERT and OFFHOOK_TLS_KEY, or look at the log of the server.'
    return [problem(CHECK, 'The server certificate cannot be looked at', shown, advice)]
  }
  const facts = describeServerCertificate(shown.chainPem)
  if (facts === undefined) {
    return [problem(CHECK, 'The server certificate cannot be read', shown.from, 'Give a certificate as PEM.')]
  }
  const host = publicHost(examined)
  const wrong =
    shown.keyPem === undefined
      ? checkServerChain(shown.chainPem, [host], Date.now())
      : checkServerCertificate({ chainPem: shown.chainPem, keyPem: shown.keyPem }, [host], Date.now())
  return [
    ok(
      CHECK,
      `The certificate of ${facts.hosts.join(', ') || facts.subject}`,
      `${shown.from}, signed by ${facts.issuer}`,
    ),
    ...wrong.map(({ code, message, advice }) =>
      code === 'broken-chain'
        ? warning(CHECK, message, shown.from, advice)
        : problem(CHECK, message, shown.from, advice),
    ),
    ...endFinding(facts),
    ...phoneFindings(facts, shown.customCa),
  ]
}

interface Shown {
  readonly from: string
  readonly chainPem: string
  readonly keyPem?: string
  /** Phones learn its CA by `Custom_CA_Rule`. */
  readonly customCa: boolean
}

/** What the running server shows, else what it would; undefined: one that it makes. */
async function certificateOf({ settings, running, db }: Examined): Promise<Shown | undefined> {
  if (running && settings.httpsPort !== 0) {
    const host = reachable(settings.host)
    const chainPem = await shownChain(host, settings.httpsPort)
    return { from: 'as the server shows it', chainPem, customCa: await servesCa(settings.httpPort, host) }
  }
  const { tlsCertFile, tlsKeyFile, tlsCaFile } = settings
  if (tlsCertFile !== undefined && tlsKeyFile !== undefined) {
    const [chainPem, keyPem] = await Promise.all([readFile(tlsCertFile, 'utf8'), readFile(tlsKeyFile, 'utf8')])
    return { from: tlsCertFile, chainPem, keyPem, customCa: tlsCaFile !== undefined }
  }
  const stored = db === undefined ? undefined : await examineCertificate(db)
  if (stored === undefined) return undefined
  return { from: 'from the database', chainPem: stored.chain, customCa: stored.phoneCa !== null }
}

async function servesCa(httpPort: number, host: string): Promise<boolean> {
  if (httpPort === 0) return false
  const url = `http://${inUrl(host)}:${httpPort}/ca.pem`
  const response = await fetch(url, { signal: AbortSignal.timeout(NETWORK_MS) })
  await response.body?.cancel()
  return response.status === 200
}

function publicHost({ settings }: Examined): string {
  return settings.publicUrl === undefined ? 'localhost' : new URL(settings.publicUrl).hostname.replaceAll(/[[\]]/g, '')
}

/** One that has ended is a problem already named. */
function endFinding({ notAfter }: ServerCertificateFacts): readonly Finding[] {
  const days = Math.floor((notAfter - Date.now()) / DAY_MS)
  const value = `${new Date(notAfter).toISOString().slice(0, 10)}, in ${days} days`
  const advice = 'Have it renewed; "offhook certificate show" says where it came from.'
  if (days < 0) return []
  if (days <= DAYS_LAST) return [problem(CHECK, 'The certificate ends in days', value, advice)]
  if (days <= DAYS_FEW) return [warning(CHECK, 'The certificate ends soon', value, advice)]
  return [ok(CHECK, 'The certificate is good for a while', value)]
}

function phoneFindings(certificate: ServerCertificateFacts, ownCa: boolean): readonly Finding[] {
  return phonesAccepting({ certificate, ownCa, tlsMin: TLS_MIN }, Date.now()).map(({ row, verdict, reason }) => {
    const phones = row.fromFirmware === undefined ? row.models : `${row.models} from firmware ${row.fromFirmware}`
    const value = `${reason} (${row.certainty})`
    switch (verdict) {
      case 'accepts':
      case 'accepts-with-custom-ca':
        return ok(CHECK, `${phones} take the server for ours`, value)
      case 'refuses':
        return problem(CHECK, `${phones} would refuse the server`, value, 'Install a certificate that they take.')
      default:
        return warning(
          CHECK,
          `Nobody says whether ${phones} take the server for ours`,
          value,
          'Try one such phone first.',
        )
    }
  })
}
