import { generateKeyPairSync } from 'node:crypto'
import { z } from 'zod'
import { certificatesOf, describeServerCertificate, isAuthorizableHost } from '../../pki/mod.ts'
import { type AcmeState, findAcme, removeAcme, renewNow, setAcme } from '../../store/mod.ts'
import { actor } from '../auth.ts'
import type { Api, ApiPlatform, ReadyPlatform } from '../context.ts'
import { Acme, AcmeInput } from '../contract/certificates.ts'
import { ApiProblem } from '../problem.ts'
import { mustReachAll } from '../reach.ts'

/** Who signs the server's certificate by ACME; a job does the work. */
export function acmeRoutes(api: Api, ready: ReadyPlatform): void {
  api.get(
    '/api/v1/acme',
    {
      config: { scope: 'admin' },
      schema: { summary: 'Whom certificates are asked of by ACME, and how that goes', response: { 200: Acme } },
    },
    async (request) => {
      await mustReachAll(request, ready())
      return acmeJson(await existing(ready()))
    },
  )
  api.put(
    '/api/v1/acme',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Have certificates signed by an authority (RFC 8555), which looks at our HTTP port 80; begins at once',
        body: AcmeInput,
        response: { 200: Acme },
      },
    },
    async (request) => {
      const platform = ready()
      await mustReachAll(request, platform)
      const { directory, email, ca } = request.body
      const hosts = request.body.hosts ?? [hostForAcme(platform)]
      if (ca !== undefined && describeServerCertificate(ca) === undefined) {
        const detail = 'The root in "ca" cannot be read; expected PEM that starts with -----BEGIN CERTIFICATE-----'
        throw new ApiProblem(422, 'bad-certificate', detail)
      }
      const accountKeyPem = newAccountKey()
      await platform.change((tx) =>
        setAcme(tx, platform.vault, actor(request), {
          directory,
          email: email ?? null,
          hosts: [...new Set(hosts.map((host) => host.toLowerCase()))],
          ca: ca === undefined ? null : certificatesOf(ca),
          accountKeyPem,
        }),
      )
      return acmeJson(await existing(platform))
    },
  )
  endingRoutes(api, ready)
}

function endingRoutes(api: Api, ready: ReadyPlatform): void {
  api.delete(
    '/api/v1/acme',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Ask no more by ACME; the certificate in force stays until its end',
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      const platform = ready()
      await mustReachAll(request, platform)
      if (!(await platform.change((tx) => removeAcme(tx, actor(request))))) throw notSet()
      return reply.code(204).send(null)
    },
  )
  api.post(
    '/api/v1/acme/renew',
    {
      config: { scope: 'admin' },
      schema: { summary: 'Ask for a new certificate now instead of when it is due', response: { 202: Acme } },
    },
    async (request, reply) => {
      const platform = ready()
      await mustReachAll(request, platform)
      if (!(await platform.change((tx) => renewNow(tx, actor(request))))) throw notSet()
      return reply.code(202).send(acmeJson(await existing(platform)))
    },
  )
}

/** RFC 8555 §6.2: every authority takes ES256. */
function newAccountKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

function hostForAcme(platform: ApiPlatform): string {
  const { hostname } = new URL(platform.facts().publicUrl)
  if (isAuthorizableHost(hostname)) return hostname
  const detail = `The public URL has the host "${hostname}", which no authority can look for. Set OFFHOOK_PUBLIC_URL to the name that phones ask, or send "hosts".`
  throw new ApiProblem(422, 'no-public-host', detail)
}

async function existing(platform: ApiPlatform): Promise<AcmeState> {
  const acme = await findAcme(platform.db)
  if (acme === undefined) throw notSet()
  return acme
}

function notSet(): ApiProblem {
  return new ApiProblem(404, 'not-found', 'No authority is set: PUT /api/v1/acme sets one')
}

function acmeJson(acme: AcmeState): z.infer<typeof Acme> {
  const { working: _working, triedAt, nextAt, hosts, ...rest } = acme
  return {
    ...rest,
    hosts: [...hosts],
    state: stateOf(acme),
    triedAt: triedAt?.toISOString() ?? null,
    nextAt: nextAt.toISOString(),
  }
}

function stateOf({ working, lastError, nextAt }: AcmeState): z.infer<typeof Acme>['state'] {
  if (working) return 'working'
  if (lastError !== null) return 'failed'
  return nextAt.getTime() <= Date.now() ? 'due' : 'done'
}
