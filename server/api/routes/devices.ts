/** Devices: registered, listed, counted, changed, taken out. Their states and replacements are in files of their own. */
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { modelInfo } from '../../../protocol/profile/mod.ts'
import {
  accountsBelow,
  countDevices,
  deleteDevice,
  type DeviceFilter,
  type DevicePatch as Patch,
  linesOfDevices,
  listDevices,
  nextMark,
  registerDevice,
  updateDevice,
  viewDevice,
} from '../../store/mod.ts'
import { actor } from '../auth.ts'
import type { Api, ApiPlatform, ReadyPlatform } from '../context.ts'
import { Device, DeviceInput, Mac } from '../contract.ts'
import { DeviceFilterQuery, DevicePatch, DeviceQuery, DeviceSummary } from '../contract/devices.ts'
import { deviceJson, deviceProblem, patchProblem, reachableDevice, viewJson } from '../device-json.ts'
import { badMark, existingAccount } from '../existing-account.ts'
import { refuseForeignLines } from '../free-lines.ts'
import { ApiProblem } from '../problem.ts'
import { withoutAbsent } from '../query.ts'
import { mustReachAccount, reachOf } from '../reach.ts'
import { refuseReferenced } from '../referenced.ts'
import { deviceStateRoutes } from './device-states.ts'
import { replaceRoute } from './device-replace.ts'

const DeviceParams = z.object({ mac: Mac })

export function deviceRoutes(api: Api, ready: ReadyPlatform): void {
  registration(api, ready)
  listing(api, ready)
  single(api, ready)
  changing(api, ready)
  deviceStateRoutes(api, ready)
  replaceRoute(api, ready)
}

function registration(api: Api, ready: ReadyPlatform): void {
  api.post(
    '/api/v1/devices',
    {
      config: { scope: 'write' },
      schema: { summary: 'Register a device in advance', body: DeviceInput, response: { 201: Device } },
    },
    async (request, reply) => {
      const platform = ready()
      const { mac, serial, model, accountId, lineIds, batchId, label, notes } = request.body
      await refuseUnknownAccount(request, platform)
      refuseTooManyLines(model, lineIds)
      await refuseDeviceOfOthers(request, platform)
      const words = withoutAbsent<Patch>({
        batchId,
        ...(label === '' ? {} : { label }),
        ...(notes === '' ? {} : { notes }),
      })
      const reach = await reachOf(request, platform)
      // Problems are thrown, so that nothing of it stays.
      await platform.change(async (tx) => {
        const registered = await registerDevice(tx, actor(request), { mac, serial, model, accountId, lineIds, reach })
        if (!registered.ok) throw deviceProblem(mac, 'register', registered.error)
        if (Object.keys(words).length === 0) return
        const changed = await updateDevice(tx, actor(request), mac, words)
        if (!changed.ok) throw patchProblem(mac, changed.error)
      })
      return reply.code(201).send(await deviceJson(platform, mac))
    },
  )
}

type RegistrationRequest = FastifyRequest & { readonly body: z.infer<typeof DeviceInput> }

async function refuseUnknownAccount(request: RegistrationRequest, platform: ApiPlatform): Promise<void> {
  const { accountId, lineIds, mac } = request.body
  if (accountId !== undefined) {
    await existingAccount(request, platform, accountId)
    return refuseForeignLines(platform, accountId, lineIds, mac)
  }
  if (lineIds.length > 0) throw new ApiProblem(422, 'account-missing', 'Lines need the accountId that they belong to')
  if ((await reachOf(request, platform)) === null) return
  throw new ApiProblem(
    403,
    'out-of-reach',
    'The token is limited to one account and all below it. Name one of them as accountId.',
  )
}

/** A disabled device is still its account's, and one that is held is for the account whose window it came by. */
async function refuseDeviceOfOthers(request: RegistrationRequest, platform: ApiPlatform): Promise<void> {
  const { mac } = request.body
  const reach = await reachOf(request, platform)
  const view = await viewDevice(platform.db, mac)
  const accountId = view?.account_id ?? view?.held_account_id ?? null
  if (reach === null || accountId === null || reach.includes(accountId)) return
  throw new ApiProblem(
    409,
    'device-taken',
    `Cannot register ${mac}: it is another account's. That account must let it go first.`,
  )
}

function refuseTooManyLines(model: z.infer<typeof DeviceInput>['model'], lineIds: readonly string[]): void {
  const most = modelInfo(model)?.lines
  if (most !== undefined && lineIds.length > most) {
    throw new ApiProblem(
      422,
      'too-many-lines',
      `A ${model} has ${most} line(s), ${lineIds.length} were named. Name fewer.`,
    )
  }
}

function listing(api: Api, ready: ReadyPlatform): void {
  api.get(
    '/api/v1/devices',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'List devices',
        querystring: DeviceQuery,
        response: { 200: z.object({ items: z.array(Device), next: z.string().nullable() }) },
      },
    },
    async (request) => {
      const platform = ready()
      const { limit, after, sort } = request.query
      const rows = await listDevices(platform.db, await filterOf(request, platform, request.query), {
        limit,
        after,
        sort,
      })
      if (rows === undefined) throw badMark(after)
      const lines = await linesOfDevices(
        platform.db,
        rows.map(({ mac }) => mac),
      )
      const items = rows.map((row) =>
        viewJson(
          row,
          lines.filter((line) => line.mac === row.mac),
          null,
        ),
      )
      return { items, next: nextMark(rows, limit, (index) => rows[index]?.mac ?? '') }
    },
  )
  api.get(
    '/api/v1/devices/summary',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'How many devices, by state and model',
        querystring: DeviceFilterQuery,
        response: { 200: DeviceSummary },
      },
    },
    async (request) => {
      const platform = ready()
      const counts = await countDevices(platform.db, await filterOf(request, platform, request.query))
      return { ...counts, byState: { ...counts.byState }, byModel: { ...counts.byModel } }
    },
  )
}

async function filterOf(
  request: FastifyRequest,
  platform: ApiPlatform,
  query: z.infer<typeof DeviceFilterQuery>,
): Promise<DeviceFilter> {
  const { accountId, subtree, state, model, batchId, q, seenAfter, seenBefore, outOfDate } = query
  const reach = await reachOf(request, platform)
  if (accountId !== undefined) await mustReachAccount(request, platform, accountId)
  // Of one account without a reach of its own all below it may be asked for: they are within the reach too.
  const accountIds =
    accountId === undefined ? undefined : subtree === true ? await accountsBelow(platform.db, accountId) : [accountId]
  return { reach, accountIds, state, model, batchId, q, seenAfter, seenBefore, outOfDate }
}

function single(api: Api, ready: ReadyPlatform): void {
  api.get(
    '/api/v1/devices/:mac',
    { config: { scope: 'read' }, schema: { summary: 'One device', params: DeviceParams, response: { 200: Device } } },
    async (request) => {
      await reachableDevice(request, ready(), request.params.mac)
      return deviceJson(ready(), request.params.mac)
    },
  )
  api.delete(
    '/api/v1/devices/:mac',
    {
      config: { scope: 'write' },
      schema: {
        summary: 'Take out a device that is known, released or disabled; its timeline stays',
        params: DeviceParams,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      const platform = ready()
      const { mac } = request.params
      await reachableDevice(request, platform, mac)
      const gone = await refuseReferenced(`device ${mac}`, () =>
        platform.change((tx) => deleteDevice(tx, actor(request), mac)),
      )
      if (!gone.ok) throw deviceProblem(mac, 'delete', gone.error)
      return reply.code(204).send(null)
    },
  )
}

function changing(api: Api, ready: ReadyPlatform): void {
  api.patch(
    '/api/v1/devices/:mac',
    {
      config: { scope: 'write' },
      schema: {
        summary: 'Change label, notes, batch; of a known one also serial, model, account',
        params: DeviceParams,
        body: DevicePatch,
        response: { 200: Device },
      },
    },
    async (request) => {
      const platform = ready()
      const { mac } = request.params
      await reachableDevice(request, platform, mac)
      const { accountId } = request.body
      if (typeof accountId === 'string') await existingAccount(request, platform, accountId)
      else if (accountId === null && (await reachOf(request, platform)) !== null) {
        throw new ApiProblem(
          403,
          'out-of-reach',
          'The token is limited to one account; it cannot give a device to nobody',
        )
      }
      const patch = withoutAbsent<Patch>(request.body)
      const changed = await platform.change((tx) => updateDevice(tx, actor(request), mac, patch))
      if (!changed.ok) throw patchProblem(mac, changed.error)
      return deviceJson(platform, mac)
    },
  )
}
