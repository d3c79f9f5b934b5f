/** What is asked of devices by TR-069: one or many of them, looked at, and called off. */
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { MacAddress } from '../../../protocol/identity.ts'
import {
  askTasks,
  cancelTask,
  findTask,
  listTaskDevices,
  listTasks,
  OPEN_TASKS_MAX,
  recordRevision,
  type StoredTask,
  type TaskDevice,
} from '../../store/mod.ts'
import { isSecretPath, MASKED, type TaskRequest } from '../../tr069/mod.ts'
import { actor } from '../auth.ts'
import type { Api, ApiPlatform, ReadyPlatform } from '../context.ts'
import { id as Id, Mac } from '../contract.ts'
import {
  BulkTaskInput,
  BulkTasks,
  Task,
  TaskInput,
  TaskList,
  TaskQuery,
  TASKS_LEFT_OUT_SHOWN_MAX,
} from '../contract/tr069-tasks.ts'
import { iso } from '../device-json.ts'
import { ApiProblem, notFound } from '../problem.ts'
import { reachOf } from '../reach.ts'
import { reachedFacts } from './reports.ts'

const DeviceParams = z.object({ mac: Mac })
const TaskParams = z.object({ id: Id })

export function tr069TaskRoutes(api: Api, ready: ReadyPlatform): void {
  askingRoute(api, ready)
  bulkRoute(api, ready)
  listRoutes(api, ready)
  singleRoutes(api, ready)
}

const FACTORY_RESET =
  'After `factory-reset` a phone that has its ACS URL only from its profile calls no more until discovery (DHCP, the redirect service) leads it back.'

function askingRoute(api: Api, ready: ReadyPlatform): void {
  api.post(
    '/api/v1/devices/:mac/tr069/tasks',
    {
      config: { scope: 'write' },
      schema: {
        summary: 'Ask a device for something by TR-069; it is done when it calls',
        description: `The device is asked to call at once, by whichever way reaches it. ${FACTORY_RESET}`,
        params: DeviceParams,
        body: TaskInput,
        response: { 202: Task },
      },
    },
    async (request, reply) => {
      const platform = ready()
      const { mac } = (await reachedFacts(request, platform, request.params.mac)).device
      const [device] = await listTaskDevices(platform.db, [mac])
      const problem = device === undefined ? undefined : unfit(device)
      if (problem !== undefined) throw new ApiProblem(409, problem.type, `Cannot ask ${mac}: ${problem.reason}`)
      const [made] = await ask(request, platform, [mac], request.body)
      const task = made === undefined ? undefined : await findTask(platform.db, made)
      if (task === undefined) throw new ApiProblem(409, 'wrong-state', `Cannot ask ${mac}: it was changed meanwhile`)
      return reply.code(202).send(taskJson(task))
    },
  )
}

function bulkRoute(api: Api, ready: ReadyPlatform): void {
  api.post(
    '/api/v1/tr069/tasks',
    {
      config: { scope: 'write' },
      schema: {
        summary: 'Ask many devices for the same',
        description: `A MAC that is not there (404) stops all of it; those that cannot have the task are named. ${FACTORY_RESET}`,
        body: BulkTaskInput,
        response: { 202: BulkTasks },
      },
    },
    async (request, reply) => {
      const platform = ready()
      const { macs, ...asked } = request.body
      const devices = await reachedDevices(request, platform, [...new Set(macs)])
      const left = devices.flatMap((device) => unfit(device) ?? [])
      const without = new Set(left.map(({ mac }) => mac))
      const those = devices.map(({ mac }) => mac).filter((mac) => !without.has(mac))
      const ids = await ask(request, platform, those, asked)
      return reply.code(202).send({
        count: ids.length,
        ids: [...ids],
        leftOut: { count: left.length, devices: left.slice(0, TASKS_LEFT_OUT_SHOWN_MAX) },
      })
    },
  )
}

/** In the order of the request. Throws the 404 of the first that is not there or out of reach. */
async function reachedDevices(
  request: FastifyRequest,
  platform: ApiPlatform,
  macs: readonly MacAddress[],
): Promise<readonly TaskDevice[]> {
  const reach = await reachOf(request, platform)
  const found = new Map((await listTaskDevices(platform.db, macs)).map((device) => [device.mac, device]))
  return macs.map((mac) => {
    const device = found.get(mac)
    const isReached = reach === null || reach.includes(device?.accountId ?? '')
    if (device === undefined || !isReached) throw notFound('device', mac)
    return device
  })
}

interface Unfit {
  readonly mac: MacAddress
  readonly type: 'wrong-state' | 'too-many'
  /** Goes on after `Cannot ask …: `. */
  readonly reason: string
}

function unfit({ mac, state, openTasks }: TaskDevice): Unfit | undefined {
  if (state !== 'bound') {
    return {
      mac,
      type: 'wrong-state',
      reason: `it is ${state}, and only bound devices are told anything. Bind it first.`,
    }
  }
  if (openTasks < OPEN_TASKS_MAX) return undefined
  const reason = `${openTasks} tasks wait for it already. Wait until it has called, or call some off.`
  return { mac, type: 'too-many', reason }
}

/** @returns the ids of the tasks */
async function ask(
  request: FastifyRequest,
  platform: ApiPlatform,
  macs: readonly MacAddress[],
  { deadlineSeconds, ...asked }: z.infer<typeof TaskInput>,
): Promise<readonly string[]> {
  const task = { macs, request: asked satisfies TaskRequest, who: actor(request), now: Date.now(), deadlineSeconds }
  return platform.change(async (tx) => (await askTasks(tx, platform.vault, task)).map(({ id }) => id))
}

function listRoutes(api: Api, ready: ReadyPlatform): void {
  api.get(
    '/api/v1/tr069/tasks',
    {
      config: { scope: 'read' },
      schema: { summary: 'Tasks of all devices, newest first', querystring: TaskQuery, response: { 200: TaskList } },
    },
    async (request) => {
      const platform = ready()
      const { mac, state, kind, after, limit } = request.query
      const reach = await reachOf(request, platform)
      return page(await listTasks(platform.db, { mac, state, kind, reach, after, limit }), limit)
    },
  )
  api.get(
    '/api/v1/devices/:mac/tr069/tasks',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'What was asked of a device by TR-069, newest first',
        params: DeviceParams,
        querystring: TaskQuery.omit({ mac: true }),
        response: { 200: TaskList },
      },
    },
    async (request) => {
      const platform = ready()
      const { mac } = (await reachedFacts(request, platform, request.params.mac)).device
      const { state, kind, after, limit } = request.query
      // What an account before asked of it is not for the one that has it now.
      const reach = await reachOf(request, platform)
      return page(await listTasks(platform.db, { mac, state, kind, reach, after, limit }), limit)
    },
  )
}

function singleRoutes(api: Api, ready: ReadyPlatform): void {
  api.get(
    '/api/v1/tr069/tasks/:id',
    {
      config: { scope: 'read' },
      schema: { summary: 'One task, and what came of it', params: TaskParams, response: { 200: Task } },
    },
    async (request) => taskJson(await reachedTask(request, ready(), request.params.id)),
  )
  api.delete(
    '/api/v1/tr069/tasks/:id',
    {
      config: { scope: 'write' },
      schema: {
        summary: 'Call a task off; what was sent already may still be done',
        params: TaskParams,
        response: { 200: Task },
      },
    },
    async (request) => {
      const platform = ready()
      const { id, mac, state } = await reachedTask(request, platform, request.params.id)
      const who = actor(request)
      const done = await platform.change(async (tx) => {
        if (!(await cancelTask(tx, id, who, Date.now()))) return false
        await recordRevision(tx, { who, scope: 'device', target: mac, what: 'TR-069 task called off', after: { id } })
        return true
      })
      if (!done) throw new ApiProblem(409, 'task-over', `Cannot call off ${id}: it is over (${state})`)
      return taskJson(await reachedTask(request, platform, id))
    },
  )
}

async function reachedTask(request: FastifyRequest, platform: ApiPlatform, id: string): Promise<StoredTask> {
  const task = await findTask(platform.db, id)
  const reach = await reachOf(request, platform)
  const isReached = reach === null || reach.includes(task?.accountId ?? '')
  if (task === undefined || !isReached) throw notFound('task', id)
  return task
}

function page(tasks: readonly StoredTask[], limit: number): z.infer<typeof TaskList> {
  return { items: tasks.map(taskJson), next: tasks.length === limit ? (tasks.at(-1)?.id ?? null) : null }
}

function taskJson({ shown, fault, result, ...task }: StoredTask): z.infer<typeof Task> {
  const { kind: _kind, ...args } = shown
  return {
    ...task,
    arguments: args,
    dueAt: task.dueAt.toISOString(),
    deadlineAt: task.deadlineAt.toISOString(),
    sentAt: iso(task.sentAt),
    endedAt: iso(task.endedAt),
    fault: fault === null ? null : { code: fault.code, text: fault.text },
    result: result === null ? null : shownResult(result),
    createdAt: task.createdAt.toISOString(),
  }
}

/** A device that tells a secret in spite of everything is not repeated. */
function shownResult(result: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { values } = result
  if (typeof values !== 'object' || values === null) return result
  const shown = Object.entries(values).map(([path, value]) => [
    path,
    isSecretPath(path) && typeof value === 'string' && value !== '' ? MASKED : (value as unknown),
  ])
  return { ...result, values: Object.fromEntries(shown) as unknown }
}
