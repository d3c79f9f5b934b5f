/** SIP lines: of an account, across accounts, one by one; on and off phones. */
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { modelInfo } from '../../../protocol/profile/mod.ts'
import {
  assignLine,
  type AssignProblem,
  createLine,
  deleteLine,
  findLine,
  type LineFilter,
  type LinePatch as Patch,
  newPassword,
  nextMark,
  recordReveal,
  revealLinePassword,
  searchLines,
  type StoredLine,
  unassignLine,
  updateLine,
  viewDevice,
} from '../../store/mod.ts'
import { actor, requireScope } from '../auth.ts'
import type { Api, ApiPlatform, ReadyPlatform } from '../context.ts'
import { id as Id, Line, LineInput } from '../contract.ts'
import { LineAssignment, LinePatch, LineQuery, LineRelease } from '../contract/accounts.ts'
import { badMark, existingAccount } from '../existing-account.ts'
import { ApiProblem, notFound } from '../problem.ts'
import { Reveal, withoutAbsent } from '../query.ts'
import { mustReachDevice, reachOf } from '../reach.ts'

const AccountId = z.object({ id: z.string().max(128) })
const LineId = z.object({ id: Id })
const Lines = z.object({ items: z.array(Line), next: z.string().nullable() })

export function lineRoutes(api: Api, ready: ReadyPlatform): void {
  makingRoute(api, ready)
  listRoutes(api, ready)
  singleRoutes(api, ready)
  changingRoute(api, ready)
  phoneRoutes(api, ready)
}

function makingRoute(api: Api, ready: ReadyPlatform): void {
  api.post(
    '/api/v1/accounts/:id/lines',
    {
      config: { scope: 'write' },
      schema: { summary: 'Make a SIP line', params: AccountId, body: LineInput, response: { 201: Line } },
    },
    async (request, reply) => {
      const platform = ready()
      await existingAccount(request, platform, request.params.id)
      const { authId, outboundProxy, transport, ...rest } = request.body
      const line = { ...rest, accountId: request.params.id, authId, outboundProxy, transport }
      const made = await platform.change((tx) => createLine(tx, platform.vault, actor(request), line))
      if (!made.ok) throw lineTaken('make the line', rest)
      return reply.code(201).send(lineJson(made.value, null))
    },
  )
}

function listRoutes(api: Api, ready: ReadyPlatform): void {
  const Query = LineQuery.extend(Reveal.shape)
  api.get(
    '/api/v1/accounts/:id/lines',
    {
      config: { scope: 'read' },
      schema: { summary: 'Its SIP lines', params: AccountId, querystring: Query, response: { 200: Lines } },
    },
    async (request) => {
      const { id } = await existingAccount(request, ready(), request.params.id)
      return linePage(request, ready(), { ...request.query, reach: null, accountId: id })
    },
  )
  api.get(
    '/api/v1/lines',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'SIP lines of all accounts',
        querystring: Query.extend({ accountId: Id.optional() }),
        response: { 200: Lines },
      },
    },
    async (request) => {
      const reach = await reachOf(request, ready())
      return linePage(request, ready(), { ...request.query, reach })
    },
  )
}

type LinesWanted = Omit<LineFilter, 'after' | 'accountId' | 'domain' | 'q' | 'assigned'> & {
  readonly after?: string | undefined
  readonly accountId?: string | undefined
  readonly domain?: string | undefined
  readonly q?: string | undefined
  readonly assigned?: boolean | undefined
  readonly reveal: boolean
}

async function linePage(
  request: FastifyRequest,
  platform: ApiPlatform,
  { reveal, limit, after, sort, reach, accountId, domain, q, assigned }: LinesWanted,
): Promise<z.infer<typeof Lines>> {
  if (reveal) requireScope(request, 'secrets')
  const rows = await searchLines(platform.db, { limit, after, sort, reach, accountId, domain, q, assigned })
  if (rows === undefined) throw badMark(after)
  const next = nextMark(rows, limit, (index) => rows[index]?.id ?? '')
  if (!reveal) return { items: rows.map((row) => lineJson(row, null)), next }
  const accounts = new Set(rows.map((row) => row.accountId))
  for (const account of accounts) await recordReveal(platform.db, actor(request), 'account', account)
  const items = []
  for (const row of rows) {
    items.push(lineJson(row, (await revealLinePassword(platform.db, platform.vault, row.id)) ?? null))
  }
  return { items, next }
}

/** Throws the 404 of a line that is not there or out of reach. */
async function existingLine(request: FastifyRequest, platform: ApiPlatform, id: string): Promise<StoredLine> {
  const line = await findLine(platform.db, id)
  const reach = await reachOf(request, platform)
  if (line === undefined || (reach !== null && !reach.includes(line.accountId))) throw notFound('line', id)
  return line
}

function singleRoutes(api: Api, ready: ReadyPlatform): void {
  api.get(
    '/api/v1/lines/:id',
    {
      config: { scope: 'read' },
      schema: { summary: 'One SIP line', params: LineId, querystring: Reveal, response: { 200: Line } },
    },
    async (request) => {
      const platform = ready()
      if (request.query.reveal) requireScope(request, 'secrets')
      const line = await existingLine(request, platform, request.params.id)
      if (!request.query.reveal) return lineJson(line, null)
      await recordReveal(platform.db, actor(request), 'account', line.accountId)
      return lineJson(line, (await revealLinePassword(platform.db, platform.vault, line.id)) ?? null)
    },
  )
  api.delete(
    '/api/v1/lines/:id',
    {
      config: { scope: 'write' },
      schema: {
        summary: 'Delete a line; a phone that has it loses it with its next fetch',
        params: LineId,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      const platform = ready()
      const { id } = await existingLine(request, platform, request.params.id)
      const gone = await platform.change(async (tx) => (await deleteLine(tx, actor(request), id)) !== undefined)
      if (!gone) throw notFound('line', id)
      return reply.code(204).send(null)
    },
  )
}

function changingRoute(api: Api, ready: ReadyPlatform): void {
  api.patch(
    '/api/v1/lines/:id',
    {
      config: { scope: 'write' },
      schema: {
        summary: 'Change a line; in force with the next fetch of its phone',
        params: LineId,
        body: LinePatch,
        response: { 200: Line },
      },
    },
    async (request) => {
      const platform = ready()
      const before = await existingLine(request, platform, request.params.id)
      const { rotatePassword, ...named } = request.body
      if (rotatePassword && named.password !== undefined) {
        throw new ApiProblem(422, 'not-valid', 'Name a password or ask for a random one with rotatePassword, not both')
      }
      const patch = withoutAbsent<Patch>({ ...named, ...(rotatePassword ? { password: newPassword() } : {}) })
      const changed = await platform.change((tx) => updateLine(tx, platform.vault, actor(request), before.id, patch))
      if (changed === undefined) throw notFound('line', before.id)
      if (!changed.ok) throw lineTaken('change the line', { ...before, ...withoutAbsent<StoredLine>(named) })
      return lineJson(changed.value, null)
    },
  )
}

function phoneRoutes(api: Api, ready: ReadyPlatform): void {
  api.post(
    '/api/v1/lines/:id/assign',
    {
      config: { scope: 'write' },
      schema: { summary: 'Put a line on a phone', params: LineId, body: LineAssignment, response: { 200: Line } },
    },
    async (request) => {
      const platform = ready()
      const line = await existingLine(request, platform, request.params.id)
      const { mac, index } = request.body
      const view = await viewDevice(platform.db, mac)
      if (view === undefined) throw notFound('device', mac)
      await mustReachDevice(request, platform, mac, view.account_id)
      const most = modelInfo(view.model)?.lines ?? 1
      const done = await platform.change((tx) => assignLine(tx, actor(request), line.id, { mac, index, most }))
      if (!done.ok) throw assignProblem(line, view.mac, view.model, done.error)
      return lineJson(done.value, null)
    },
  )
  api.post(
    '/api/v1/lines/:id/unassign',
    {
      config: { scope: 'write' },
      schema: {
        summary: 'Take a line off its phone; it gets a new password unless told otherwise',
        params: LineId,
        body: LineRelease,
        response: { 200: Line },
      },
    },
    async (request) => {
      const platform = ready()
      const { id } = await existingLine(request, platform, request.params.id)
      const { rotatePassword } = request.body
      const done = await platform.change((tx) =>
        unassignLine(tx, platform.vault, actor(request), id, { rotatePassword }),
      )
      if (done === undefined) throw notFound('line', id)
      return lineJson(done, null)
    },
  )
}

function assignProblem(line: StoredLine, mac: string, model: string, problem: AssignProblem): ApiProblem {
  const what = `Cannot put line "${line.id}" (${line.userId}) on ${mac}`
  switch (problem.kind) {
    case 'no-line':
      return notFound('line', line.id)
    case 'foreign-device':
      return new ApiProblem(
        409,
        'device-of-other-account',
        `${what}: the device is not a known or bound one of account "${line.accountId}". Register it for that account first.`,
      )
    case 'line-in-use':
      return new ApiProblem(409, 'line-in-use', `${what}: it is on ${problem.mac}. Unassign it there first.`)
    case 'index-in-use':
      return new ApiProblem(
        409,
        'index-in-use',
        `${what}: extension ${problem.index} is line "${problem.by.id}" (${problem.by.userId}). Choose another index or unassign that line.`,
      )
    case 'no-such-index':
      return new ApiProblem(
        422,
        'too-many-lines',
        `${what}: a ${model} has ${problem.most} line(s). Choose an index from 1 to ${problem.most}.`,
      )
  }
}

function lineTaken(what: string, { userId, domain }: Pick<StoredLine, 'userId' | 'domain'>): ApiProblem {
  return new ApiProblem(
    409,
    'line-taken',
    `Cannot ${what}: "${userId}" exists at "${domain}" in this account already. Choose another user or domain.`,
  )
}

export function lineJson(line: StoredLine, password: string | null): z.infer<typeof Line> {
  const { id, accountId, userId, displayName, domain, authId, outboundProxy, transport, mac, index } = line
  return {
    id,
    accountId,
    userId,
    displayName,
    domain,
    authId,
    outboundProxy,
    transport,
    mac,
    index,
    password,
    passwordGeneration: line.passwordGeneration,
    secret: true,
  }
}
