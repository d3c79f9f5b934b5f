/**
 * What the HTTPS door shows, followed as it changes without a restart: the certificate from files, else the stored one in
 * force, else one of our own CA; and the device CAs that clients are asked for.
 */
import { createSecureContext, type TLSSocket } from 'node:tls'
import { assertNever } from '../protocol/result.ts'
import type { ProvenCertificate } from './fetch/mod.ts'
import { createChainProver, ticketKeysOn } from './nps/http/mod.ts'
import {
  type CertificatePair,
  casInForce,
  checkServerChain,
  describeServerCertificate,
  issueServerCertificate,
  type ServerCertificateInForce,
  type TrustAnchors,
  trustAnchors,
} from './pki/mod.ts'
import type { Platform } from './platform.ts'
import type { TlsSettings } from './tls/mod.ts'
import { openTlsFiles, type TlsFiles } from './server-tls-files.ts'
import { certificateInForce, loadDeviceCas } from './store/mod.ts'

/** How often our own certificate is looked at: is it time for a new one? */
const RENEW_LOOK_MS = 60 * 60_000
/** A certificate of our own CA is replaced when so much of its life is over. */
const RENEW_AFTER = 2 / 3
/** Files are asked for their time this often. */
const FILES_EVERY_MS = 2_000

export interface ServerTls {
  current(): TlsSettings
  onChange(handler: (tls: TlsSettings) => void): void
  /** Looks again at everything; done by itself when something changes, and once an hour. */
  load(): Promise<void>
  close(): Promise<void>
}

/** Throws StartProblem for files that cannot be used. */
export async function openServerTls(platform: Platform, filesEveryMs = FILES_EVERY_MS): Promise<ServerTls> {
  const files = openTlsFiles(platform)
  const tls = new FollowedTls(platform, files)
  await tls.load()
  tls.follow(filesEveryMs)
  return tls
}

/** A pair, where it came from, and what ends all session tickets when it changes. */
interface Shown {
  readonly pair: CertificatePair
  readonly inForce: ServerCertificateInForce
  readonly ticketTrust: string
}

class FollowedTls implements ServerTls {
  readonly #platform: Platform
  readonly #files: TlsFiles | undefined
  readonly #handlers: ((tls: TlsSettings) => void)[] = []
  readonly #timers: NodeJS.Timeout[] = []
  readonly #prove: (socket: TLSSocket) => ProvenCertificate | undefined
  #shown: Shown | undefined
  #anchors: TrustAnchors = trustAnchors([])
  #own: CertificatePair | undefined
  /** One at a time, so that an older reading never comes last. */
  #loading: Promise<void> = Promise.resolve()
  #closed = false

  constructor(platform: Platform, files: TlsFiles | undefined) {
    this.#platform = platform
    this.#files = files
    this.#prove = rememberedProofs(() => this.#anchors)
  }

  current(): TlsSettings {
    const shown = this.#shown
    if (shown === undefined) throw new Error('the certificate is loaded before it is asked for')
    const caPems = this.#anchors.cas.map((ca) => ca.pem)
    const trust = [shown.ticketTrust, ...caPems]
    return {
      ...shown.pair,
      caPems,
      prove: this.#prove,
      ticketKeys: (now) => ticketKeysOn(this.#platform.secrets.markerKey, trust, now),
    }
  }

  onChange(handler: (tls: TlsSettings) => void): void {
    this.#handlers.push(handler)
  }

  async load(): Promise<void> {
    const { db, settings } = this.#platform
    const anchors = trustAnchors(casInForce(await loadDeviceCas(db), settings.lab))
    const shown = await this.#choose()
    this.#anchors = anchors
    const changed = this.#shown?.pair.certPem !== shown.pair.certPem
    this.#shown = shown
    for (const handler of this.#handlers) handler(this.current())
    this.#platform.setServerCertificate(shown.inForce)
    if (changed) this.#tell(shown)
  }

  follow(filesEveryMs: number): void {
    this.#platform.directory.onChange((change) => {
      if (change.kind === 'trust' || change.kind === 'many' || change.kind === 'certificate') this.#again()
    })
    this.#timers.push(setInterval(() => this.#again(), RENEW_LOOK_MS).unref())
    const files = this.#files
    if (files === undefined) return
    const look = setInterval(() => {
      if (files.look()) this.#again()
    }, filesEveryMs)
    this.#timers.push(look.unref())
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const timer of this.#timers) clearInterval(timer)
    await this.#loading
  }

  #again(): void {
    this.#loading = this.#loading.then(async () => {
      if (this.#closed) return
      try {
        await this.load()
      } catch (error) {
        this.#platform.log.error(
          { err: error },
          'the server certificate and device CAs could not be read; the old ones stay',
        )
      }
    })
  }

  async #choose(): Promise<Shown> {
    if (this.#files !== undefined) {
      const { pair, caPem } = this.#files.current()
      return { pair, inForce: { source: 'files', chainPem: pair.certPem, caPem }, ticketTrust: pair.certPem }
    }
    const { db, vault, secrets } = this.#platform
    const stored = await certificateInForce(db, vault)
    if (stored !== undefined && this.#isUsable(stored)) {
      const pair = { certPem: stored.certPem, keyPem: stored.keyPem }
      const caPem = stored.phoneCa ?? undefined
      return { pair, inForce: { source: 'stored', chainPem: pair.certPem, caPem }, ticketTrust: pair.certPem }
    }
    const pair = await this.#ownCertificate()
    const ca = secrets.serverCa.certPem
    // Each process has issued its own, and phones resume with any of them.
    return { pair, inForce: { source: 'own', chainPem: pair.certPem, caPem: ca }, ticketTrust: ca }
  }

  /** One that TLS refuses must not keep the door shut. */
  #isUsable({ id, certPem, keyPem }: CertificatePair & { readonly id: string }): boolean {
    try {
      createSecureContext({ cert: certPem, key: keyPem })
      return true
    } catch (error) {
      this.#platform.log.error(
        { err: error, certificate: id },
        'TLS refuses the stored certificate; one of our own CA is shown',
      )
      return false
    }
  }

  async #ownCertificate(): Promise<CertificatePair> {
    const now = this.#platform.now()
    const facts = this.#own === undefined ? undefined : describeServerCertificate(this.#own.certPem)
    if (this.#own !== undefined && facts !== undefined) {
      if (now < facts.notBefore + (facts.notAfter - facts.notBefore) * RENEW_AFTER) return this.#own
    }
    this.#own = await issueServerCertificate(this.#platform.secrets.serverCa, hostsOf(this.#platform), now)
    return this.#own
  }

  #tell({ inForce }: Shown): void {
    const { log } = this.#platform
    const facts = describeServerCertificate(inForce.chainPem)
    const until = facts === undefined ? undefined : new Date(facts.notAfter).toISOString()
    log.debug(
      { event: 'server-certificate', source: inForce.source, subject: facts?.subject, until },
      sourceText(inForce),
    )
    for (const problem of checkServerChain(inForce.chainPem, [publicHostOf(this.#platform)], this.#platform.now())) {
      log.warn({ event: 'server-certificate-problem', code: problem.code }, `${problem.message}. ${problem.advice}`)
    }
  }
}

function sourceText({ source }: ServerCertificateInForce): string {
  switch (source) {
    case 'files':
      return 'the server shows the certificate of OFFHOOK_TLS_CERT'
    case 'stored':
      return 'the server shows the certificate that was installed or fetched by ACME'
    case 'own':
      return 'the server shows a certificate of its own CA, which phones learn by Custom_CA_Rule'
    default:
      return assertNever(source)
  }
}

function publicHostOf(platform: Platform): string {
  return new URL(platform.facts().publicUrl).hostname.replaceAll(/[[\]]/g, '')
}

/** The first is the common name, which phones compare with the host that they asked (MPP §11.2). */
function hostsOf(platform: Platform): readonly string[] {
  return [...new Set([publicHostOf(platform), 'localhost', '127.0.0.1', '::1'])]
}

/** A socket is proved once for each set of CAs, not for each request. */
function rememberedProofs(anchors: () => TrustAnchors): (socket: TLSSocket) => ProvenCertificate | undefined {
  const proveSocket = createChainProver()
  const known = new WeakMap<TLSSocket, { anchors: TrustAnchors; proven: ProvenCertificate | undefined }>()
  return (socket) => {
    const entry = known.get(socket)
    const now = anchors()
    if (entry !== undefined && entry.anchors === now) return entry.proven
    const proven = proveSocket(socket, (chain) => now.prove(chain, Date.now()))
    known.set(socket, { anchors: now, proven })
    return proven
  }
}
