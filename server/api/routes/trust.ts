import { z } from 'zod'
import { casInForce, type DeviceCa as StoredCa, fingerprintOf } from '../../pki/mod.ts'
import type { Api, ApiPlatform, ReadyPlatform } from '../context.ts'
import { installDeviceCa, loadDeviceCas, removeDeviceCa } from '../../store/mod.ts'
import { DeviceCa, DeviceCaInput } from '../contract.ts'
import { ApiProblem, notFound } from '../problem.ts'

/** Device CAs: whose signature proves a phone. */
export function trustRoutes(api: Api, ready: ReadyPlatform): void {
  api.get(
    '/api/v1/device-cas',
    {
      config: { scope: 'read' },
      schema: { summary: 'Device CAs', response: { 200: z.object({ items: z.array(DeviceCa) }) } },
    },
    async () => ({ items: await listed(ready()) }),
  )
  api.post(
    '/api/v1/device-cas',
    {
      config: { scope: 'admin' },
      schema: { summary: 'Install a device CA', body: DeviceCaInput, response: { 201: DeviceCa } },
    },
    async (request, reply) => {
      const platform = ready()
      const { name, pem, models } = request.body
      refuseUnreadable(pem)
      const installed = await platform.change((tx) => installDeviceCa(tx, { name, pem, models }))
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
      const removed = await ready().change((tx) => removeDeviceCa(tx, fingerprint))
      if (!removed) throw notFound('device CA', fingerprint)
      return reply.code(204).send()
    },
  )
}

async function listed(platform: ApiPlatform): Promise<z.infer<typeof DeviceCa>[]> {
  const cas = await loadDeviceCas(platform.db)
  const inForce = casInForce(cas, platform.settings.lab)
  return cas.map((ca) => caJson(ca, inForce.includes(ca)))
}

function caJson(ca: StoredCa, inForce: boolean): z.infer<typeof DeviceCa> {
  return { fingerprint: ca.fingerprint, name: ca.name, kind: ca.kind, models: [...ca.models], inForce }
}

function refuseUnreadable(pem: string): void {
  try {
    fingerprintOf(pem)
  } catch {
    throw new ApiProblem(
      422,
      'bad-certificate',
      'The text is no certificate; expected PEM that starts with -----BEGIN CERTIFICATE-----',
    )
  }
}
