import { setTimeout as pause } from 'node:timers/promises'
import { createSecureContext } from 'node:tls'
import { z } from 'zod'
import {
  certificatesOf,
  checkServerCertificate,
  checkServerChain,
  createServerCsr,
  describeServerCertificate,
  isFatal,
  phonesAccepting,
  type ServerCertificateFacts,
  type ServerCertificateInForce,
  type ServerCertificateProblem,
} from '../../pki/mod.ts'
import {
  addCertificate,
  countWaitingCertificates,
  findCertificate,
  listCertificates,
  putInForce,
  removeCertificate,
  type StoredCertificate as Stored,
  WAITING_MAX,
} from '../../store/mod.ts'
import { actor } from '../auth.ts'
import type { Api, ApiPlatform, ReadyPlatform } from '../context.ts'
import {
  ChainInput,
  Csr,
  CsrInput,
  ServerCertificate,
  StoredCertificate,
  UploadInput,
} from '../contract/certificates.ts'
import { ApiProblem, notFound } from '../problem.ts'
import { mustReachAll } from '../reach.ts'
import { acmeRoutes } from './acme.ts'
import { expiryRoutes } from './expiries.ts'

const DAY_MS = 86_400_000
/** What the HTTPS door speaks at least. */
const TLS_MIN = '1.2'

/** How long an answer waits for the door of this process. */
const SHOWN_MAX_MS = 2_000
const SHOWN_LOOK_MS = 5

const Params = z.object({ id: z.string().max(128) })

/** The certificate that phones see, and how it gets there. */
export function certificateRoutes(api: Api, ready: ReadyPlatform): void {
  showRoutes(api, ready)
  csrRoutes(api, ready)
  uploadRoutes(api, ready)
  acmeRoutes(api, ready)
  expiryRoutes(api, ready)
}

function showRoutes(api: Api, ready: ReadyPlatform): void {
  api.get(
    '/api/v1/server-certificate',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'The certificate in force, what is wrong with it, and which phones would refuse it',
        response: { 200: ServerCertificate },
      },
    },
    async (request) => {
      const platform = ready()
      await mustReachAll(request, platform)
      const shown = platform.serverCertificate()
      const facts = shown === undefined ? undefined : describeServerCertificate(shown.chainPem)
      if (shown === undefined || facts === undefined) {
        throw new ApiProblem(503, 'no-certificate', 'This process shows no certificate: it has no HTTPS door')
      }
      return shownJson(platform, shown, facts, await listCertificates(platform.db))
    },
  )
  api.get(
    '/api/v1/server-certificates',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Certificates that wait to be signed, the stored one in force, and those before it; newest first',
        response: { 200: z.object({ items: z.array(StoredCertificate) }) },
      },
    },
    async (request) => {
      await mustReachAll(request, ready())
      return { items: (await listCertificates(ready().db)).map(storedJson) }
    },
  )
  api.delete(
    '/api/v1/server-certificates/:id',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Remove a certificate and its key; the one in force makes way for one of our own CA',
        params: Params,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      const platform = ready()
      await mustReachAll(request, platform)
      const { id } = request.params
      const before = (await findCertificate(platform.db, platform.vault, id))?.chain
      const removed = await platform.change((tx) => removeCertificate(tx, actor(request), id))
      if (!removed) throw notFound('server certificate', id)
      await untilShown(platform, (chainPem) => chainPem !== before)
      return reply.code(204).send(null)
    },
  )
}

function csrRoutes(api: Api, ready: ReadyPlatform): void {
  api.post(
    '/api/v1/server-certificates/csr',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Make a key and a request for a certificate, to be signed elsewhere; the key never leaves',
        body: CsrInput,
        response: { 201: Csr },
      },
    },
    async (request, reply) => {
      const platform = ready()
      await mustReachAll(request, platform)
      const hosts = request.body.hosts ?? [publicHostOf(platform)]
      const { csrPem, keyPem } = await createServerCsr(hosts)
      const id = await platform.change(async (tx) => {
        if ((await countWaitingCertificates(tx)) >= WAITING_MAX) {
          const advice = 'Delete those that will not be signed: GET and DELETE /api/v1/server-certificates.'
          throw new ApiProblem(409, 'too-many-waiting', `${WAITING_MAX} requests wait to be signed already. ${advice}`)
        }
        return addCertificate(tx, platform.vault, actor(request), { source: 'csr', hosts, csr: csrPem, keyPem })
      })
      return reply.code(201).send({ id, csr: csrPem })
    },
  )
  api.put(
    '/api/v1/server-certificates/:id/chain',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Give the signed answer to a request; it is checked and put in force at once, without a restart',
        params: Params,
        body: ChainInput,
        response: { 200: StoredCertificate },
      },
    },
    async (request) => {
      const platform = ready()
      await mustReachAll(request, platform)
      const { id } = request.params
      const stored = await findCertificate(platform.db, platform.vault, id)
      if (stored === undefined) throw notFound('server certificate', id)
      const { pem, ca, force } = request.body
      const given = acceptable(platform, { chain: pem, key: stored.keyPem, ca, force })
      await platform.change(async (tx) => {
        // Whoever deleted it meanwhile took the key along.
        if ((await findCertificate(tx, platform.vault, id)) === undefined) throw notFound('server certificate', id)
        await putInForce(tx, actor(request), { id, ...given })
      })
      await untilShown(platform, (chainPem) => chainPem === given.chainPem)
      return existing(platform, id)
    },
  )
}

function uploadRoutes(api: Api, ready: ReadyPlatform): void {
  api.post(
    '/api/v1/server-certificates',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Install a certificate with its key; it is checked and put in force at once, without a restart',
        body: UploadInput,
        response: { 201: StoredCertificate },
      },
    },
    async (request, reply) => {
      const platform = ready()
      await mustReachAll(request, platform)
      const given = acceptable(platform, request.body)
      const { hosts } = given
      const id = await platform.change(async (tx) => {
        const key = { source: 'upload', hosts, csr: undefined, keyPem: request.body.key } as const
        const added = await addCertificate(tx, platform.vault, actor(request), key)
        await putInForce(tx, actor(request), { id: added, ...given })
        return added
      })
      await untilShown(platform, (chainPem) => chainPem === given.chainPem)
      return reply.code(201).send(await existing(platform, id))
    },
  )
}

interface Given {
  readonly chain: string
  readonly key: string
  readonly ca?: string | undefined
  readonly force: boolean
}

/** @returns what goes in force. Throws 422 with everything that is wrong. */
function acceptable(platform: ApiPlatform, { chain, key, ca, force }: Given) {
  const chainPem = certificatesOf(chain)
  const found = checkServerCertificate({ chainPem, keyPem: key }, [publicHostOf(platform)], Date.now())
  const problems = [...found.filter((problem) => !force || isFatal(problem)), ...caProblems(ca)]
  const facts = describeServerCertificate(chainPem)
  const first = problems[0]
  if (first !== undefined || facts === undefined) {
    const hint = found.length > 0 && !found.some(isFatal) ? ' It can be taken all the same with "force": true.' : ''
    const detail = `Cannot use this certificate: ${first?.message ?? 'it cannot be read'}. ${first?.advice ?? ''}${hint}`
    throw new ApiProblem(
      422,
      'bad-certificate',
      detail,
      problems.map((problem) => ({ ...problem, place: placeOf(problem) })),
    )
  }
  refuseWhatTlsRefuses(chainPem, key)
  const { hosts, notBefore, notAfter } = facts
  return { chainPem, phoneCa: ca === undefined ? undefined : certificatesOf(ca), hosts, notBefore, notAfter }
}

function caProblems(ca: string | undefined): readonly ServerCertificateProblem[] {
  if (ca === undefined || describeServerCertificate(ca) !== undefined) return []
  const advice = 'Give the CA as PEM that starts with -----BEGIN CERTIFICATE-----.'
  return [{ code: 'unreadable-certificate', message: 'The CA cannot be read', advice }]
}

function placeOf({ code }: ServerCertificateProblem): string {
  return code === 'unreadable-key' || code === 'key-mismatch' ? 'key' : 'chain'
}

function refuseWhatTlsRefuses(cert: string, key: string): void {
  try {
    createSecureContext({ cert, key })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new ApiProblem(422, 'bad-certificate', `Cannot use this certificate: TLS refuses it (${reason})`)
  }
}

/** The door of this process follows in a moment: who asks it right after the answer sees the change. */
async function untilShown(platform: ApiPlatform, isShown: (chainPem: string) => boolean): Promise<void> {
  const deadline = Date.now() + SHOWN_MAX_MS
  while (Date.now() < deadline) {
    const shown = platform.serverCertificate()
    // Files win over what is stored, and a process without a door shows nothing.
    if (shown === undefined || shown.source === 'files' || isShown(shown.chainPem)) return
    await pause(SHOWN_LOOK_MS)
  }
}

function publicHostOf(platform: Pick<ApiPlatform, 'facts'>): string {
  return new URL(platform.facts().publicUrl).hostname.replaceAll(/[[\]]/g, '')
}

async function existing(platform: ApiPlatform, id: string): Promise<z.infer<typeof StoredCertificate>> {
  const stored = await findCertificate(platform.db, platform.vault, id)
  if (stored === undefined) throw notFound('server certificate', id)
  return storedJson(stored)
}

function storedJson(stored: Stored): z.infer<typeof StoredCertificate> {
  const { id, source, hosts, csr, chain, phoneCa, notAfter, createdBy, createdAt, retiredAt } = stored
  return {
    id,
    source,
    state: stored.inForce ? 'in-force' : chain === null ? 'waiting' : 'retired',
    hosts: [...hosts],
    csr,
    chain,
    ca: phoneCa,
    notAfter: notAfter?.toISOString() ?? null,
    createdBy,
    createdAt: createdAt.toISOString(),
    retiredAt: retiredAt?.toISOString() ?? null,
  }
}

function shownJson(
  platform: ApiPlatform,
  shown: ServerCertificateInForce,
  facts: ServerCertificateFacts,
  stored: readonly Stored[],
): z.infer<typeof ServerCertificate> {
  const now = Date.now()
  const inForce = shown.source === 'stored' ? stored.find((each) => each.inForce) : undefined
  const offer = { certificate: facts, ownCa: shown.caPem !== undefined, tlsMin: TLS_MIN } as const
  return {
    source: shown.source === 'stored' ? (inForce?.source ?? 'upload') : shown.source,
    id: inForce?.id ?? null,
    subject: facts.subject,
    issuer: facts.issuer,
    root: facts.rootSubject,
    hosts: [...facts.hosts],
    keyType: facts.keyType,
    fingerprint: facts.fingerprint,
    notBefore: new Date(facts.notBefore).toISOString(),
    notAfter: new Date(facts.notAfter).toISOString(),
    daysLeft: Math.floor((facts.notAfter - now) / DAY_MS),
    customCa: shown.caPem !== undefined,
    problems: [...checkServerChain(shown.chainPem, [publicHostOf(platform)], now)],
    phones: phonesAccepting(offer, now).map(({ row, verdict, reason }) => ({
      models: row.models,
      fromFirmware: row.fromFirmware ?? null,
      verdict,
      reason,
      certainty: row.certainty,
      note: row.note,
    })),
    waiting: stored.filter(({ chain }) => chain === null).map(storedJson),
  }
}
