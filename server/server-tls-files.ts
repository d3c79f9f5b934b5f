/** The server's certificate from files, read again when they change. A bad new file is told of, and the old one stays. */
import { readFileSync, statSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { StartProblem } from './config.ts'
import { type CertificatePair, certificatesOf, checkServerCertificate, isFatal } from './pki/mod.ts'
import type { Platform } from './platform.ts'

export interface TlsFiles {
  current(): GivenTls
  /** Reads again if the files changed and have come to rest. @returns whether there is something new */
  look(): boolean
}

interface GivenTls {
  readonly pair: CertificatePair
  /** The CA that phones are to learn, where one was given. */
  readonly caPem: string | undefined
}

/** @returns undefined when the settings name no files. Throws StartProblem for files that cannot be used. */
export function openTlsFiles(platform: Pick<Platform, 'settings' | 'log' | 'now'>): TlsFiles | undefined {
  const { settings, log, now } = platform
  const { tlsCertFile, tlsKeyFile, tlsCaFile } = settings
  if (tlsCertFile === undefined || tlsKeyFile === undefined) return undefined
  const names = { cert: tlsCertFile, key: tlsKeyFile, ca: tlsCaFile }
  let stamp = stampOf(names)
  let current = readFiles(names, now())
  let seen = stamp
  return {
    current: () => current,
    look() {
      const before = seen
      seen = stampOf(names)
      // Two files are written one after the other: only what has not changed since the last look is read.
      if (seen === stamp || seen !== before) return false
      stamp = seen
      try {
        current = readFiles(names, now())
        return true
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error)
        log.error(
          { event: 'server-certificate-refused' },
          `The changed certificate is not used, the old one stays: ${reason}`,
        )
        return false
      }
    },
  }
}

interface Names {
  readonly cert: string
  readonly key: string
  readonly ca: string | undefined
}

function readFiles({ cert, key, ca }: Names, now: number): GivenTls {
  const pair = { certPem: readText(cert, 'OFFHOOK_TLS_CERT'), keyPem: readText(key, 'OFFHOOK_TLS_KEY') }
  const problem = checkServerCertificate({ chainPem: pair.certPem, keyPem: pair.keyPem }, [], now).find(isFatal)
  if (problem !== undefined) {
    throw new StartProblem(
      `Cannot use the server certificate "${cert}" with the key "${key}" (OFFHOOK_TLS_CERT, OFFHOOK_TLS_KEY): ${problem.message}. ${problem.advice}`,
    )
  }
  try {
    createSecureContext({ cert: pair.certPem, key: pair.keyPem })
  } catch (error) {
    // What OpenSSL refuses beyond that, e.g. a signature that counts as weak.
    const reason = error instanceof Error ? error.message : String(error)
    throw new StartProblem(`Cannot use the server certificate "${cert}" (OFFHOOK_TLS_CERT): TLS refuses it: ${reason}`)
  }
  const caPem = ca === undefined ? undefined : certificatesOf(readText(ca, 'OFFHOOK_TLS_CA'))
  if (caPem === '')
    throw new StartProblem(`Cannot use the CA "${ca}" (OFFHOOK_TLS_CA): it holds no certificate in PEM.`)
  return { pair, caPem }
}

function readText(file: string, setting: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new StartProblem(`Cannot read "${file}" (${setting}): ${reason}. Name a file that this user may read.`)
  }
}

/** Changes when a file does, also when it is another file under the same name. */
function stampOf({ cert, key, ca }: Names): string {
  return [cert, key, ...(ca === undefined ? [] : [ca])].map(fileStamp).join()
}

function fileStamp(file: string): string {
  try {
    const { ino, size, mtimeMs, ctimeMs } = statSync(file)
    return `${ino}-${size}-${mtimeMs}-${ctimeMs}`
  } catch {
    // Gone for a moment, or for good: reading it says why.
    return 'gone'
  }
}
