import { X509Certificate } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { casInForce, type DeviceCa as StoredCa, fingerprintOf } from '../../pki/mod.ts'
import { actor } from '../auth.ts'
import type { Api, ApiPlatform, ReadyPlatform } from '../context.ts'
import { installDeviceCa, loadDeviceCas, recordRevision, removeDeviceCa, type Sql } from '../../store/mod.ts'
import { DeviceCa, DeviceCaInput } from '../contract.ts'
import { ApiProblem, notFound } from '../problem.ts'
import { mustReachAll } from '../reach.ts'

/** Device CAs: whose signature proves a phone. */
export function trustRoutes(api: Api, ready: ReadyPlatform): void {
  api.get(
    '/api/v1/device-cas',
    {
      config: { scope: 'read' },
      schema: { summary: 'Device CAs', response: { 200: z.object({ items: z.array(DeviceCa) }) } },
    },
    async (request) => {
      await mustReachAll(request, ready())
      return { items: await listed(ready()) }
    },
  )
  api.post(
    '/api/v1/device-cas',
    {
      config: { scope: 'admin' },
      schema: { summary: 'Install a device CA', body: DeviceCaInput, response: { 201: DeviceCa } },
    },
    async (request, reply) => {
      const platform = ready()
      await mustReachAll(request, platform)
      const { name, pem, models } = request.body
      refuseUnusable(pem)
      const installed = await platform.change(async (tx) => {
        const ca = await installDeviceCa(tx, { name, pem, models })
        await note(tx, request, ca.fingerprint, 'installed')
        return ca
      })
      return reply.code(201).send(caJson(installed, true))
    },
  )
  api.delete(
    '/api/v1/device-cas/:fingerprint',
    {
      config: { scope: 'admin' },
      schema: { summary: 'Remove a device CA', params: z.object({ fingerprint: z.string().max(64) }) },
    },
    async (request, reply) => {
      const { fingerprint } = request.params
      await mustReachAll(request, ready())
      const removed = await ready().change(async (tx) => {
        const found = await removeDeviceCa(tx, fingerprint)
        if (found) await note(tx, request, fingerprint, 'removed')
        return found
      })
      if (!removed) throw notFound('device CA', fingerprint)
      return reply.code(204).send()
    },
  )
}

/** Whom we trust is changed by somebody: that stays to be seen. */
async function note(tx: Sql, request: FastifyRequest, fingerprint: string, what: string): Promise<void> {
  await recordRevision(tx, { who: actor(request), scope: 'device-ca', target: fingerprint, what })
}

async function listed(platform: ApiPlatform): Promise<z.infer<typeof DeviceCa>[]> {
  const cas = await loadDeviceCas(platform.db)
  const inForce = casInForce(cas, platform.settings.lab)
  return cas.map((ca) => caJson(ca, inForce.includes(ca)))
}

function caJson(ca: StoredCa, inForce: boolean): z.infer<typeof DeviceCa> {
  return { fingerprint: ca.fingerprint, name: ca.name, kind: ca.kind, models: [...ca.models], inForce }
}

function refuseUnusable(pem: string): void {
  try {
    fingerprintOf(pem)
    const certificate = new X509Certificate(pem)
    // Roots older than the mark of a CA have signed themselves.
    if (certificate.ca || certificate.issuer === certificate.subject) return
  } catch {
    throw new ApiProblem(
      422,
      'bad-certificate',
      'The text is no certificate; expected PEM that starts with -----BEGIN CERTIFICATE-----',
    )
  }
  throw new ApiProblem(
    422,
    'bad-certificate',
    'Cannot install this as a device CA: it is the certificate of a device or host, which vouches for nobody. Give that of the CA which issued it.',
  )
}
