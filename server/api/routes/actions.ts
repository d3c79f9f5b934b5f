/** Remote control: what is asked of phones, and how they are reached. */
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { MacAddress } from '../../../protocol/identity.ts'
import {
  ACTION_STATES,
  type ActionFilter,
  askActions,
  cancelActions,
  findAccount,
  findAction,
  listActions,
  listRegistrations,
  type StoredAction,
} from '../../store/mod.ts'
import { actor } from '../auth.ts'
import type { Api, ApiPlatform, ReadyPlatform } from '../context.ts'
import { Mac } from '../contract.ts'
import {
  Action,
  ActionInput,
  ActionList,
  ActionQuery,
  Bulk,
  BulkInput,
  CancelInput,
  LEFT_OUT_SHOWN_MAX,
  Registration,
} from '../contract/actions.ts'
import { iso } from '../device-json.ts'
import { existingFacts } from '../existing.ts'
import { ApiProblem, notFound } from '../problem.ts'
import { mustReachAccount, mustReachDevice, reachOf } from '../reach.ts'
import { unaskable } from '../unaskable.ts'
import { controlSettingRoutes } from './control-settings.ts'

const ActionParams = z.object({ id: z.string().min(1).max(128) })
const DeviceParams = z.object({ mac: Mac })

export function actionRoutes(api: Api, ready: ReadyPlatform): void {
  asking(api, ready)
  bulk(api, ready)
  looking(api, ready)
  cancelling(api, ready)
  registration(api, ready)
  controlSettingRoutes(api, ready)
}

function asking(api: Api, ready: ReadyPlatform): void {
  api.post(
    '/api/v1/devices/:mac/actions',
    {
      config: { scope: 'write' },
      schema: {
        summary: 'Ask a phone to resync, restart or report; what comes of it is followed to its end',
        params: DeviceParams,
        body: ActionInput,
        response: { 202: Action },
      },
    },
    async (request, reply) => {
      const platform = ready()
      const { mac } = request.params
      const { kind, via, profile } = request.body
      refuseOddities(request.body)
      await refuseUnfit(request, platform, mac, request.body)
      const { ids } = await platform.change((tx) =>
        askActions(tx, everything({ macs: [mac] }), {
          kind,
          via,
          profile,
          who: actor(request),
          now: Date.now(),
          bulk: undefined,
        }),
      )
      const made = ids[0] === undefined ? undefined : await findAction(platform.db, ids[0])
      if (made === undefined) throw new ApiProblem(409, 'wrong-state', `Cannot ask ${mac}: it was changed meanwhile`)
      return reply.code(202).send(actionJson(made))
    },
  )
}

function bulk(api: Api, ready: ReadyPlatform): void {
  api.post(
    '/api/v1/actions',
    {
      config: { scope: 'write' },
      schema: {
        summary: 'Ask many phones, spread over time; at least one filter says which',
        body: BulkInput,
        response: { 202: Bulk },
      },
    },
    async (request, reply) => {
      const platform = ready()
      const { kind, via, profile, macs, accountId, batchId, model, state, perSecond } = request.body
      refuseOddities(request.body)
      if ([macs, accountId, batchId, model, state].every((each) => each === undefined)) {
        throw new ApiProblem(
          422,
          'no-filter',
          'Say which phones: name macs, accountId, batchId, model or state. {"state": "bound"} means all',
        )
      }
      if (accountId !== undefined) {
        await mustReachAccount(request, platform, accountId)
        if ((await findAccount(platform.db, accountId)) === undefined) throw notFound('account', accountId)
      }
      const reach = await reachOf(request, platform)
      const filter: ActionFilter = { macs, accountId, batchId, model, state, reach }
      const who = actor(request)
      const left = await unaskable(platform, filter, { kind, via, profile })
      const those = { ...filter, except: left.map(({ mac }) => mac) }
      const asked = await platform.change((tx) =>
        askActions(tx, those, { kind, via, profile, who, now: Date.now(), bulk: { perSecond } }),
      )
      return reply.code(202).send({
        bulkId: asked.bulkId ?? '',
        count: asked.ids.length,
        leftOut: { count: left.length, devices: left.slice(0, LEFT_OUT_SHOWN_MAX) },
      })
    },
  )
}

function looking(api: Api, ready: ReadyPlatform): void {
  api.get(
    '/api/v1/actions',
    {
      config: { scope: 'read' },
      schema: { summary: 'List actions, newest first', querystring: ActionQuery, response: { 200: ActionList } },
    },
    async (request) => {
      const platform = ready()
      const reach = await reachOf(request, platform)
      const { mac, bulkId, state, after, limit } = request.query
      return page(await listActions(platform.db, { mac, bulkId, state, reach, after, limit }), limit)
    },
  )
  api.get(
    '/api/v1/devices/:mac/actions',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'What was asked of a phone, newest first',
        params: DeviceParams,
        querystring: ActionQuery.pick({ limit: true, after: true, state: true }),
        response: { 200: ActionList },
      },
    },
    async (request) => {
      const platform = ready()
      const { mac } = request.params
      await reachedFacts(request, platform, mac)
      const { state, after, limit } = request.query
      // What an account before asked of it is not for the one that has it now.
      const filter = { mac, bulkId: undefined, state, reach: await reachOf(request, platform), after, limit }
      return page(await listActions(platform.db, filter), limit)
    },
  )
  api.get(
    '/api/v1/actions/:id',
    { config: { scope: 'read' }, schema: { summary: 'One action', params: ActionParams, response: { 200: Action } } },
    async (request) => actionJson(await reachedAction(request, ready(), request.params.id)),
  )
}

function cancelling(api: Api, ready: ReadyPlatform): void {
  api.post(
    '/api/v1/actions/:id/cancel',
    {
      config: { scope: 'write' },
      schema: { summary: 'Call an action off', params: ActionParams, response: { 200: Action } },
    },
    async (request) => {
      const platform = ready()
      const { id } = request.params
      const before = await reachedAction(request, platform, id)
      const count = await platform.change((tx) => cancelActions(tx, { id }, actor(request), Date.now()))
      if (count === 0) throw new ApiProblem(409, 'action-over', `Cannot call off ${id}: it is over (${before.state})`)
      return actionJson(await reachedAction(request, platform, id))
    },
  )
  api.post(
    '/api/v1/actions/cancel',
    {
      config: { scope: 'write' },
      schema: {
        summary: 'Call off what is left of a bulk',
        body: CancelInput,
        response: { 200: z.object({ cancelled: z.int() }) },
      },
    },
    async (request) => {
      const platform = ready()
      const { bulkId } = request.body
      const reach = await reachOf(request, platform)
      const filter = { mac: undefined, bulkId, state: undefined, reach, after: undefined, limit: 1 }
      if ((await listActions(platform.db, filter)).length === 0) throw notFound('bulk action', bulkId)
      const which = { bulkId, reach }
      return { cancelled: await platform.change((tx) => cancelActions(tx, which, actor(request), Date.now())) }
    },
  )
}

function registration(api: Api, ready: ReadyPlatform): void {
  api.get(
    '/api/v1/devices/:mac/registration',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Whether its lines are registered, as the provider’s registrar says',
        params: DeviceParams,
        response: { 200: Registration },
      },
    },
    async (request) => {
      const platform = ready()
      await reachedFacts(request, platform, request.params.mac)
      const lines = await listRegistrations(platform.db, request.params.mac)
      return {
        trust: 'registrar' as const,
        lines: lines.map((line) => ({
          ...line,
          expiresAt: iso(line.expiresAt),
          seenAt: iso(line.seenAt),
          changedAt: iso(line.changedAt),
        })),
      }
    },
  )
}

function refuseOddities({ kind, via, profile }: Pick<z.infer<typeof ActionInput>, 'kind' | 'via' | 'profile'>): void {
  if (kind === 'report' && via === 'url') {
    throw new ApiProblem(422, 'not-by-url', 'A phone has no command URL that asks for a report. Send it by SIP')
  }
  if (kind !== 'resync' && profile !== undefined) {
    throw new ApiProblem(422, 'profile-without-resync', `A profile goes with "resync" only, not with "${kind}"`)
  }
}

/** Throws what is in the way of asking this phone: where it is in its life, its lines, the ways to it. */
async function refuseUnfit(
  request: FastifyRequest,
  platform: ApiPlatform,
  mac: MacAddress,
  asked: z.infer<typeof ActionInput>,
): Promise<void> {
  const { device, lines } = await reachedFacts(request, platform, mac)
  const because = (type: string, reason: string) => new ApiProblem(409, type, `Cannot ask ${mac}: ${reason}`)
  if (device.state !== 'bound' || device.accountId === undefined) {
    throw because('wrong-state', `it is ${device.state}, and only bound phones know us. Bind it first.`)
  }
  if (lines.length === 0) {
    throw because('no-line', 'it has no line, so no SIP account. Give it one: POST /api/v1/accounts/{id}/lines')
  }
  const [problem] = await unaskable(platform, everything({ macs: [mac] }), { profile: undefined, ...asked })
  if (problem !== undefined) throw because(problem.type, problem.reason)
}

async function reachedFacts(request: FastifyRequest, platform: ApiPlatform, mac: MacAddress) {
  const facts = await existingFacts(platform, mac)
  await mustReachDevice(request, platform, mac, facts.device.accountId ?? facts.device.heldAccountId)
  return facts
}

async function reachedAction(request: FastifyRequest, platform: ApiPlatform, id: string): Promise<StoredAction> {
  const action = await findAction(platform.db, id)
  const reach = await reachOf(request, platform)
  const isReached = reach === null || reach.includes(action?.accountId ?? '')
  if (action === undefined || !isReached) throw notFound('action', id)
  return action
}

function everything(some: Partial<ActionFilter>): ActionFilter {
  const none = { macs: undefined, accountId: undefined, batchId: undefined, model: undefined, state: undefined }
  return { ...none, reach: null, ...some }
}

function page(actions: readonly StoredAction[], limit: number): z.infer<typeof ActionList> {
  return { items: actions.map(actionJson), next: actions.length === limit ? (actions.at(-1)?.id ?? null) : null }
}

function actionJson(action: StoredAction): z.infer<typeof Action> {
  return {
    ...action,
    // As stored, with a state of today: what a newer release wrote is shown as far as it is known here.
    steps: action.steps.filter((step) => ACTION_STATES.includes(step.state)),
    dueAt: action.dueAt.toISOString(),
    createdAt: action.createdAt.toISOString(),
    updatedAt: action.updatedAt.toISOString(),
  }
}
