/** One order at a certificate authority, from account to chain. Source: RFC 8555 §7. */
import { setTimeout as pause } from 'node:timers/promises'
import { type Authorization, Client, type Order } from 'acme-client'
import { createServerCsr } from '../../pki/mod.ts'
import { withAuthority } from './transport.ts'

/** The authority looks at our port and signs within this time, or the order has failed. */
const ORDER_MS = 180_000
const POLL_MS = 500
const POLL_MAX_MS = 5_000
const HTTP_CHALLENGE = 'http-01'

export interface OrderOptions {
  readonly directory: string
  readonly accountKeyPem: string
  readonly email: string | null
  readonly hosts: readonly string[]
  /** PEM of a private authority's root. */
  readonly ca: string | null
  readonly signal: AbortSignal
  /** Called before the authority is told to look. */
  putChallenge(token: string, answer: string): Promise<void>
  removeChallenge(token: string): Promise<void>
}

export interface OrderedCertificate {
  readonly chainPem: string
  readonly keyPem: string
  readonly csrPem: string
  readonly accountUrl: string
}

/** Throws an Error whose message says what the authority said. */
export async function orderCertificate(options: OrderOptions): Promise<OrderedCertificate> {
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(ORDER_MS)])
  return withAuthority({ ca: options.ca, signal }, async () => {
    const { directory, accountKeyPem, hosts } = options
    const client = new Client({ directoryUrl: directory, accountKey: accountKeyPem })
    await register(client, options.email)
    const order = await client.createOrder({ identifiers: hosts.map((value) => ({ type: 'dns', value })) })
    await authorize(client, order, options, signal)
    const { csrPem, keyPem } = await createServerCsr(hosts)
    await client.finalizeOrder(order, csrPem)
    const done = await finished(client, order, 'valid', signal)
    const chainPem = await client.getCertificate(done)
    return { chainPem, keyPem, csrPem, accountUrl: client.getAccountUrl() }
  })
}

/** RFC 8555 §7.3.1: the same key finds its account again, also at an authority that has forgotten it. */
async function register(client: Client, email: string | null): Promise<void> {
  const contact = email === null ? {} : { contact: [`mailto:${email}`] }
  await client.createAccount({ termsOfServiceAgreed: true, ...contact })
}

/** RFC 8555 §7.5: each host is shown to be ours by a file on its port 80. */
async function authorize(client: Client, order: Order, options: OrderOptions, signal: AbortSignal): Promise<void> {
  const tokens: string[] = []
  try {
    for (const authorization of await client.getAuthorizations(order)) {
      if (authorization.status === 'valid') continue
      const challenge = authorization.challenges.find(({ type }) => type === HTTP_CHALLENGE)
      if (challenge === undefined) {
        throw new Error(`the authority offers no ${HTTP_CHALLENGE} challenge for "${authorization.identifier.value}"`)
      }
      tokens.push(challenge.token)
      await options.putChallenge(challenge.token, await client.getChallengeKeyAuthorization(challenge))
      await client.completeChallenge(challenge)
    }
    await finished(client, order, 'ready', signal)
  } finally {
    for (const token of tokens) await options.removeChallenge(token)
  }
}

async function finished(client: Client, order: Order, wanted: 'ready' | 'valid', signal: AbortSignal): Promise<Order> {
  for (let wait = POLL_MS; ; wait = Math.min(POLL_MAX_MS, wait * 1.5)) {
    const now = await client.getOrder(order)
    if (now.status === wanted || now.status === 'valid') return now
    if (now.status === 'invalid') throw new Error(await reasonOf(client, now))
    await pause(wait, undefined, { signal }).catch(() => {
      throw new Error(`the authority was not done within ${ORDER_MS / 1000} s; the order is "${now.status}"`)
    })
  }
}

async function reasonOf(client: Client, order: Order): Promise<string> {
  const authorizations = await client.getAuthorizations(order)
  const reasons = authorizations.flatMap(failureOf)
  return reasons.length > 0
    ? reasons.join('; ')
    : (detailOf(order) ?? 'the authority refused the order and gave no reason')
}

function failureOf({ identifier, status, challenges }: Authorization): readonly string[] {
  if (status !== 'invalid') return []
  const details = challenges.flatMap((challenge) => detailOf(challenge) ?? [])
  return [`"${identifier.value}" was not proved to be ours: ${details.join('; ') || 'no reason given'}`]
}

/** RFC 7807 §3.1: `detail` of the error that a resource holds. */
function detailOf(resource: object): string | undefined {
  const { error } = resource as { readonly error?: { readonly detail?: unknown } }
  return typeof error?.detail === 'string' ? error.detail : undefined
}
