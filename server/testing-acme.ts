/**
 * A small certificate authority that speaks ACME, for tests: it checks every signature and nonce, looks really over HTTP
 * for its challenges, and signs with a CA of its own. Source: RFC 8555; RFC 7515; RFC 7638.
 */
import 'reflect-metadata'
import { createHash, createPublicKey, type JsonWebKey, type KeyObject, randomBytes, verify } from 'node:crypto'
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import * as x509 from '@peculiar/x509'
import { assert } from '../protocol/result.ts'
import { type CertificatePair, createCa, issueServerCertificate } from './pki/mod.ts'
import { bodyOfPem, plant } from './testing.ts'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const DAY_MS = 86_400_000

export interface TestAuthority {
  readonly directory: string
  readonly ca: CertificatePair
  /** What it did, in order: `account`, `order`, `looked`, `finalize`, `certificate`. */
  readonly log: string[]
  close(): Promise<void>
}

export interface AuthorityOptions {
  /** Where it looks instead of port 80. */
  readonly httpPort: () => number
  readonly secure?: boolean
  readonly lifeDays?: number
  /** It answers a finalize request only after this. */
  readonly beforeFinalize?: () => Promise<void>
}

export async function openTestAuthority(options: AuthorityOptions): Promise<TestAuthority> {
  const ca = await createCa('Test authority', Date.now())
  const authority = new Authority(options, ca)
  const own = options.secure === true ? await issueServerCertificate(ca, ['127.0.0.1'], Date.now()) : undefined
  for (const pair of [ca, ...(own === undefined ? [] : [own])]) plant(bodyOfPem(pair.keyPem))
  const answer = (message: IncomingMessage, response: ServerResponse): void => void authority.serve(message, response)
  const server =
    own === undefined ? createHttpServer(answer) : createHttpsServer({ cert: own.certPem, key: own.keyPem }, answer)
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const { port } = server.address() as AddressInfo
  authority.base = `${own === undefined ? 'http' : 'https'}://127.0.0.1:${port}`
  return {
    directory: `${authority.base}/directory`,
    ca,
    log: authority.log,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed())
        server.closeAllConnections()
      }),
  }
}

interface Answer {
  readonly status: number
  readonly body: unknown
  readonly location?: string
}

interface OrderState {
  readonly hosts: readonly string[]
  readonly tokens: readonly string[]
  authorizations: ('pending' | 'valid' | 'invalid')[]
  detail: string
  status: 'pending' | 'ready' | 'valid' | 'invalid'
  chain: string
}

interface Jws {
  readonly key: KeyObject
  readonly jwk: JsonWebKey
  readonly payload: Record<string, unknown> | undefined
}

class Authority {
  base = ''
  readonly log: string[] = []
  readonly #options: AuthorityOptions
  readonly #ca: CertificatePair
  readonly #nonces = new Set<string>()
  readonly #accounts = new Map<string, { key: KeyObject; jwk: JsonWebKey }>()
  readonly #orders: OrderState[] = []

  constructor(options: AuthorityOptions, ca: CertificatePair) {
    this.#options = options
    this.#ca = ca
  }

  async serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const answer = await this.#answer(message).catch((error: unknown): Answer => {
      const detail = error instanceof Error ? error.message : String(error)
      return { status: 400, body: { type: 'urn:ietf:params:acme:error:malformed', detail } }
    })
    const isText = typeof answer.body === 'string'
    response.writeHead(answer.status, {
      'content-type': isText ? 'application/pem-certificate-chain' : 'application/json',
      'replay-nonce': this.#nonce(),
      ...(answer.location === undefined ? {} : { location: answer.location }),
    })
    response.end(isText ? answer.body : JSON.stringify(answer.body))
  }

  #nonce(): string {
    const nonce = randomBytes(16).toString('base64url')
    this.#nonces.add(nonce)
    return nonce
  }

  async #answer(message: IncomingMessage): Promise<Answer> {
    const path = message.url ?? ''
    if (path === '/directory') return { status: 200, body: this.#directory() }
    if (path === '/nonce') return { status: 200, body: '' }
    const jws = await this.#checked(message)
    const [, kind = '', number = '', index = ''] = path.split('/')
    if (kind === 'account') return this.#account(jws)
    if (kind === 'new-order') return this.#newOrder(jws)
    const order = this.#orders[Number(number)]
    assert(order !== undefined, `there is an order ${number}`)
    if (kind === 'order') return { status: 200, body: this.#orderJson(order) }
    if (kind === 'authorization') return { status: 200, body: this.#authorizationJson(order, Number(index)) }
    if (kind === 'challenge') return this.#challenge(order, Number(index), jws)
    if (kind === 'finalize') return this.#finalize(order, jws)
    assert(kind === 'certificate', `"${path}" is a resource`)
    this.log.push('certificate')
    return { status: 200, body: order.chain }
  }

  #directory() {
    return {
      newNonce: `${this.base}/nonce`,
      newAccount: `${this.base}/account`,
      newOrder: `${this.base}/new-order`,
      meta: { termsOfService: `${this.base}/terms` },
    }
  }

  /** RFC 8555 §6.2 to §6.5: ES256, the URL that it came to, a nonce of ours that was not used before. */
  async #checked(message: IncomingMessage): Promise<Jws> {
    assert(message.method === 'POST', 'resources are read by POST')
    assert(message.headers['content-type'] === 'application/jose+json', 'the content type is that of JOSE')
    const pieces: Buffer[] = []
    for await (const piece of message as AsyncIterable<Buffer>) pieces.push(piece)
    const jws = JSON.parse(Buffer.concat(pieces).toString()) as Record<'protected' | 'payload' | 'signature', string>
    const head = JSON.parse(decoded(jws.protected)) as { url: string; nonce: string; kid?: string; jwk?: JsonWebKey }
    assert(head.url === `${this.base}${message.url}`, 'the signed URL is the one that was asked')
    assert(this.#nonces.delete(head.nonce), 'the nonce is ours and fresh')
    const known = head.kid === undefined ? undefined : this.#accounts.get(head.kid)
    const jwk = known?.jwk ?? head.jwk
    assert(jwk !== undefined, 'the account is known')
    const key = known?.key ?? createPublicKey({ key: jwk, format: 'jwk' })
    const signed = verify(
      'sha256',
      Buffer.from(`${jws.protected}.${jws.payload}`),
      { key, dsaEncoding: 'ieee-p1363' },
      Buffer.from(jws.signature, 'base64url'),
    )
    assert(signed, 'the signature is right')
    const payload = jws.payload === '' ? undefined : (JSON.parse(decoded(jws.payload)) as Record<string, unknown>)
    return { key, jwk, payload }
  }

  #account({ key, jwk, payload }: Jws): Answer {
    const url = `${this.base}/account/${thumbprint(jwk)}`
    const known = this.#accounts.has(url)
    assert(payload?.['termsOfServiceAgreed'] === true, 'the terms are agreed to')
    this.#accounts.set(url, { key, jwk })
    if (!known) this.log.push('account')
    return { status: known ? 200 : 201, body: { status: 'valid' }, location: url }
  }

  #newOrder({ payload }: Jws): Answer {
    const identifiers = payload?.['identifiers'] as readonly { type: string; value: string }[]
    assert(
      identifiers.every(({ type }) => type === 'dns'),
      'only names are ordered',
    )
    const hosts = identifiers.map(({ value }) => value)
    const order: OrderState = {
      hosts,
      tokens: hosts.map(() => randomBytes(24).toString('base64url')),
      authorizations: hosts.map(() => 'pending'),
      detail: '',
      status: 'pending',
      chain: '',
    }
    this.#orders.push(order)
    this.log.push('order')
    return { status: 201, body: this.#orderJson(order), location: this.#url('order', order) }
  }

  #url(kind: string, order: OrderState): string {
    return `${this.base}/${kind}/${this.#orders.indexOf(order)}`
  }

  #orderJson(order: OrderState) {
    return {
      status: order.status,
      identifiers: order.hosts.map((value) => ({ type: 'dns', value })),
      authorizations: order.hosts.map((_host, index) => `${this.#url('authorization', order)}/${index}`),
      finalize: this.#url('finalize', order),
      ...(order.chain === '' ? {} : { certificate: this.#url('certificate', order) }),
    }
  }

  #authorizationJson(order: OrderState, index: number) {
    const status = order.authorizations[index]
    const error =
      status === 'invalid' ? { error: { type: 'urn:ietf:params:acme:error:unauthorized', detail: order.detail } } : {}
    return {
      status,
      identifier: { type: 'dns', value: order.hosts[index] },
      challenges: [
        { type: 'dns-01', url: `${this.base}/unused`, token: 'unused', status: 'pending' },
        {
          type: 'http-01',
          url: `${this.#url('challenge', order)}/${index}`,
          token: order.tokens[index],
          status,
          ...error,
        },
      ],
    }
  }

  /** RFC 8555 §8.3: fetches the key authorization over HTTP from the port that it was told to look at. */
  async #challenge(order: OrderState, index: number, { jwk }: Jws): Promise<Answer> {
    const token = order.tokens[index] ?? ''
    const url = `http://127.0.0.1:${this.#options.httpPort()}/.well-known/acme-challenge/${token}`
    const found = await fetch(url, { redirect: 'manual' }).then(
      async (response) => (response.status === 200 ? response.text() : `status ${response.status}`),
      () => 'no connection',
    )
    const right = found === `${token}.${thumbprint(jwk)}`
    this.log.push('looked')
    order.authorizations[index] = right ? 'valid' : 'invalid'
    if (!right)
      order.detail = `Invalid response from http://${order.hosts[index]}/.well-known/acme-challenge/: ${found}`
    if (order.authorizations.every((status) => status === 'valid')) order.status = 'ready'
    if (order.authorizations.includes('invalid')) order.status = 'invalid'
    return { status: 200, body: { type: 'http-01', status: order.authorizations[index], token } }
  }

  async #finalize(order: OrderState, { payload }: Jws): Promise<Answer> {
    assert(order.status === 'ready', 'all hosts are proved')
    this.log.push('finalize')
    await this.#options.beforeFinalize?.()
    const csr = new x509.Pkcs10CertificateRequest(Buffer.from(String(payload?.['csr']), 'base64url'))
    assert(await csr.verify(), 'the request is signed by its key')
    const names = csr.extensions.flatMap((each) =>
      each instanceof x509.SubjectAlternativeNameExtension ? each.names.items.map(({ value }) => value) : [],
    )
    assert(names.toSorted().join() === order.hosts.toSorted().join(), 'the request is for the hosts of the order')
    const days = this.#options.lifeDays ?? 90
    order.chain = await signRequest(this.#ca, { csrPem: csr.toString('pem'), hosts: order.hosts, days })
    order.status = 'valid'
    return { status: 200, body: this.#orderJson(order), location: this.#url('order', order) }
  }
}

/** @returns the certificate that answers a request, PEM */
export async function signRequest(
  ca: CertificatePair,
  wanted: { readonly csrPem: string; readonly hosts: readonly string[]; readonly days: number },
): Promise<string> {
  const csr = new x509.Pkcs10CertificateRequest(wanted.csrPem)
  const der = x509.PemConverter.decodeFirst(ca.keyPem)
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: `00${randomBytes(15).toString('hex')}`,
    subject: csr.subject,
    issuer: new x509.X509Certificate(ca.certPem).subject,
    publicKey: csr.publicKey,
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + wanted.days * DAY_MS),
    signingAlgorithm: ALGORITHM,
    signingKey: await crypto.subtle.importKey('pkcs8', der, ALGORITHM, true, ['sign']),
    extensions: [new x509.SubjectAlternativeNameExtension(wanted.hosts.map((value) => ({ type: 'dns', value })))],
  })
  return `${certificate.toString('pem')}\n`
}

function decoded(text: string): string {
  return Buffer.from(text, 'base64url').toString()
}

/** RFC 7638 §3: of the required members in their order. */
function thumbprint({ crv, kty, x, y }: JsonWebKey): string {
  return createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url')
}
