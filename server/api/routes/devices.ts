import { z } from 'zod'
import type { MacAddress } from '../../../protocol/identity.ts'
import { modelInfo } from '../../../protocol/profile/mod.ts'
import type { Result } from '../../../protocol/result.ts'
import type { DeviceFacts } from '../../devices/mod.ts'
import type { Api, ApiPlatform, ReadyPlatform } from '../context.ts'
import { renderOwnProfile } from '../../profiles/mod.ts'
import {
  confirmDevice,
  type DeviceProblem,
  type DeviceView,
  endDevice,
  findAccount,
  listDevices,
  registerDevice,
  type Sql,
  viewDevice,
} from '../../store/mod.ts'
import { actor } from '../auth.ts'
import { Device, DeviceInput, Mac } from '../contract.ts'
import { existingFacts } from '../existing.ts'
import { ApiProblem, notFound } from '../problem.ts'
import { refuseForeignLines } from './accounts.ts'
import { PageQuery } from './query.ts'

const DeviceParams = z.object({ mac: Mac })

export function deviceRoutes(api: Api, ready: ReadyPlatform): void {
  registration(api, ready)
  listing(api, ready)
  changeOfState(api, ready)
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
      const { mac, serial, model, accountId, lineIds } = request.body
      await refuseUnknownAccount(platform, request.body)
      refuseTooManyLines(model, lineIds)
      const made = await platform.change((tx) =>
        registerDevice(tx, actor(request), { mac, serial, model, accountId, lineIds }),
      )
      if (!made.ok) throw deviceProblem(mac, 'register', made.error)
      return reply.code(201).send(await deviceJson(platform, mac))
    },
  )
}

function listing(api: Api, ready: ReadyPlatform): void {
  const Query = PageQuery.extend({
    accountId: z.string().max(128).optional(),
    state: z.enum(['known', 'held', 'bound', 'released', 'disabled']).optional(),
  })
  api.get(
    '/api/v1/devices',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'List devices',
        querystring: Query,
        response: { 200: z.object({ items: z.array(Device), next: z.string().nullable() }) },
      },
    },
    async (request) => {
      const { limit, after, accountId, state } = request.query
      const views = await listDevices(ready().db, { limit, after, accountId, state })
      const next = views.length === limit ? (views.at(-1)?.mac ?? null) : null
      return { items: views.map((view) => viewJson(view, undefined, null)), next }
    },
  )
  api.get(
    '/api/v1/devices/:mac',
    { config: { scope: 'read' }, schema: { summary: 'One device', params: DeviceParams, response: { 200: Device } } },
    async (request) => deviceJson(ready(), request.params.mac),
  )
}

type StateChange = (
  tx: Sql,
  platform: ApiPlatform,
  who: string,
  mac: MacAddress,
) => Promise<Result<void, DeviceProblem>>

const STATE_CHANGES: Readonly<Record<'confirm' | 'release' | 'disable', { summary: string; change: StateChange }>> = {
  confirm: {
    summary: 'Confirm a held device: it is bound to the account of its window',
    change: (tx, platform, who, mac) => confirmDevice(tx, platform.vault, who, mac),
  },
  release: {
    summary: 'Let a device go: farewell profile, new line passwords',
    change: (tx, platform, who, mac) => endDevice(tx, platform.vault, who, mac, 'release'),
  },
  disable: {
    summary: 'Shut a device out: farewell profile, then refusals',
    change: (tx, platform, who, mac) => endDevice(tx, platform.vault, who, mac, 'disable'),
  },
}

function changeOfState(api: Api, ready: ReadyPlatform): void {
  for (const [name, { summary, change }] of Object.entries(STATE_CHANGES)) {
    api.post(
      `/api/v1/devices/:mac/${name}`,
      { config: { scope: 'write' }, schema: { summary, params: DeviceParams, response: { 200: Device } } },
      async (request) => {
        const platform = ready()
        const { mac } = request.params
        const done = await platform.change((tx) => change(tx, platform, actor(request), mac))
        if (!done.ok) throw deviceProblem(mac, name, done.error)
        return deviceJson(platform, mac)
      },
    )
  }
}

async function refuseUnknownAccount(
  platform: ApiPlatform,
  { accountId, lineIds, mac }: Pick<z.infer<typeof DeviceInput>, 'accountId' | 'lineIds' | 'mac'>,
): Promise<void> {
  if (accountId === undefined) {
    if (lineIds.length > 0) throw new ApiProblem(422, 'account-missing', 'Lines need the accountId that they belong to')
    return
  }
  if ((await findAccount(platform.db, accountId)) === undefined) throw notFound('account', accountId)
  await refuseForeignLines(platform, accountId, lineIds, mac)
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

function deviceProblem(mac: MacAddress, what: string, problem: DeviceProblem): ApiProblem {
  switch (problem.kind) {
    case 'unknown':
      return notFound('device', mac)
    case 'taken':
      return new ApiProblem(
        409,
        'device-taken',
        `Cannot ${what} ${mac}: it is ${problem.state} already. Release it first.`,
      )
    case 'not-allowed':
      return new ApiProblem(409, 'wrong-state', `Cannot ${what} ${mac}: it is ${problem.state}.`)
  }
}

async function deviceJson(platform: ApiPlatform, mac: MacAddress): Promise<z.infer<typeof Device>> {
  await platform.flush()
  const view = await viewDevice(platform.db, mac)
  if (view === undefined) throw notFound('device', mac)
  const facts = await existingFacts(platform, mac)
  const wanted = facts.device.state === 'bound' ? renderOwnProfile(facts, platform.facts()).version : null
  return viewJson(view, facts, wanted)
}

function viewJson(view: DeviceView, facts: DeviceFacts | undefined, wanted: string | null): z.infer<typeof Device> {
  return {
    mac: view.mac,
    serial: view.serial,
    model: view.model,
    accountId: view.account_id,
    heldAccountId: view.held_account_id,
    state: view.state,
    versions: { wanted, served: view.served_version, running: view.running_version },
    keys: { issued: view.key_issued, confirmed: view.key_confirmed },
    lines: (facts?.lines ?? []).map(({ id, index, userId, domain }) => ({ id, index, userId, domain })),
    seen: {
      at: iso(view.believed_at),
      from: view.believed_from,
      firmware: view.firmware,
      cause: view.cause,
      registrationSeconds: view.registration_seconds,
    },
    claimed: { at: iso(view.claimed_at), from: view.claimed_from },
    createdAt: view.created_at.toISOString(),
    boundAt: iso(view.bound_at),
  }
}

function iso(date: Date | null): string | null {
  return date === null ? null : date.toISOString()
}
