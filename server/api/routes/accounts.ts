import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { printResyncUrl } from '../../../protocol/http/mod.ts'
import type { AccountSettings } from '../../devices/mod.ts'
import type { Api, ApiPlatform, ReadyPlatform } from '../context.ts'
import {
  changeAccountSettings,
  createAccount,
  createCode,
  createLine,
  findAccount,
  listAccounts,
  listLines,
  openWindow,
  recordReveal,
  revealLinePassword,
  revokeCode,
  type StoredAccount,
  type StoredLine,
} from '../../store/mod.ts'
import { actor, requireScope } from '../auth.ts'
import {
  Account,
  AccountInput,
  AccountSettingsInput,
  Code,
  CodeInput,
  Line,
  LineInput,
  Window,
  WindowInput,
} from '../contract.ts'
import { ApiProblem, notFound } from '../problem.ts'
import { PageQuery, Reveal, withoutAbsent } from './query.ts'

const AccountId = z.object({ id: z.string().max(128) })

export function accountRoutes(api: Api, ready: ReadyPlatform): void {
  accountItself(api, ready)
  settingsRoute(api, ready)
  lineRoutes(api, ready)
  codeRoutes(api, ready)
  windowRoute(api, ready)
}

function accountItself(api: Api, ready: ReadyPlatform): void {
  api.post(
    '/api/v1/accounts',
    {
      config: { scope: 'write' },
      schema: { summary: 'Make an account', body: AccountInput, response: { 201: Account } },
    },
    async (request, reply) => {
      const { name, kind, parentId, settings } = request.body
      const customerId = request.body.customerId ?? randomBytes(6).toString('hex')
      const made = await ready().change((tx) =>
        createAccount(tx, actor(request), {
          name,
          kind,
          parentId,
          customerId,
          settings: withoutAbsent<AccountSettings>(settings),
        }),
      )
      if (!made.ok) {
        throw new ApiProblem(
          409,
          'customer-id-taken',
          `Cannot make the account: Customer ID "${customerId}" is in use. Choose another.`,
        )
      }
      return reply.code(201).send(accountJson(made.value))
    },
  )
  api.get(
    '/api/v1/accounts',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'List accounts',
        querystring: PageQuery,
        response: { 200: z.object({ items: z.array(Account), next: z.string().nullable() }) },
      },
    },
    async (request) => {
      const { limit, after } = request.query
      const items = await listAccounts(ready().db, { limit, after })
      return { items: items.map(accountJson), next: items.length === limit ? (items.at(-1)?.id ?? null) : null }
    },
  )
  api.get(
    '/api/v1/accounts/:id',
    { config: { scope: 'read' }, schema: { summary: 'One account', params: AccountId, response: { 200: Account } } },
    async (request) => accountJson(await existing(ready(), request.params.id)),
  )
}

function settingsRoute(api: Api, ready: ReadyPlatform): void {
  api.patch(
    '/api/v1/accounts/:id/settings',
    {
      config: { scope: 'write' },
      schema: {
        summary: 'Change how its phones get their profile',
        params: AccountId,
        body: AccountSettingsInput,
        response: { 200: Account },
      },
    },
    async (request) => {
      const changed = await ready().change((tx) =>
        changeAccountSettings(tx, actor(request), request.params.id, withoutAbsent<AccountSettings>(request.body)),
      )
      if (changed === undefined) throw notFound('account', request.params.id)
      return accountJson(changed)
    },
  )
}

function lineRoutes(api: Api, ready: ReadyPlatform): void {
  api.post(
    '/api/v1/accounts/:id/lines',
    {
      config: { scope: 'write' },
      schema: { summary: 'Make a SIP line', params: AccountId, body: LineInput, response: { 201: Line } },
    },
    async (request, reply) => {
      const platform = ready()
      await existing(platform, request.params.id)
      const { authId, outboundProxy, transport, ...rest } = request.body
      const line = { ...rest, accountId: request.params.id, authId, outboundProxy, transport }
      const made = await platform.change((tx) => createLine(tx, platform.vault, actor(request), line))
      if (!made.ok) {
        throw new ApiProblem(
          409,
          'line-taken',
          `Cannot make the line: "${rest.userId}" exists at "${rest.domain}" in this account already. Choose another user or domain.`,
        )
      }
      return reply.code(201).send(lineJson(made.value, null))
    },
  )
  api.get(
    '/api/v1/accounts/:id/lines',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Its SIP lines',
        params: AccountId,
        querystring: Reveal,
        response: { 200: z.object({ items: z.array(Line) }) },
      },
    },
    async (request) => {
      const platform = ready()
      if (request.query.reveal) requireScope(request, 'secrets')
      await existing(platform, request.params.id)
      const lines = await listLines(platform.db, request.params.id)
      if (request.query.reveal) await recordReveal(platform.db, actor(request), 'account', request.params.id)
      const items = []
      for (const line of lines) {
        const password = request.query.reveal
          ? await revealLinePassword(platform.db, platform.vault, line.id)
          : undefined
        items.push(lineJson(line, password ?? null))
      }
      return { items }
    },
  )
}

function codeRoutes(api: Api, ready: ReadyPlatform): void {
  api.post(
    '/api/v1/accounts/:id/codes',
    {
      config: { scope: 'write' },
      schema: {
        summary: 'Make a one-time code',
        params: AccountId,
        body: CodeInput.nullish().transform((body) => body ?? CodeInput.parse({})),
        response: { 201: Code },
      },
    },
    async (request, reply) => {
      const platform = ready()
      await existing(platform, request.params.id)
      const { ttlSeconds, devices, lineIds } = request.body
      await refuseForeignLines(platform, request.params.id, lineIds)
      const code = await platform.change((tx) =>
        createCode(tx, actor(request), { accountId: request.params.id, ttlSeconds, devices, lineIds }),
      )
      const url = printResyncUrl('PHONE', `${platform.facts().publicUrl}/cisco-init/${code.code}`)
      return reply.code(201).send({ ...code, url, lineIds: [...code.lineIds], expiresAt: code.expiresAt.toISOString() })
    },
  )
  api.delete(
    '/api/v1/accounts/:id/codes/:codeId',
    {
      config: { scope: 'write' },
      schema: {
        summary: 'Revoke a code',
        params: AccountId.extend({ codeId: z.string().max(128) }),
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      const { id, codeId } = request.params
      const revoked = await ready().change((tx) => revokeCode(tx, actor(request), id, codeId))
      if (!revoked) throw notFound('code in force', codeId)
      return reply.code(204).send(null)
    },
  )
}

function windowRoute(api: Api, ready: ReadyPlatform): void {
  api.post(
    '/api/v1/accounts/:id/windows',
    {
      config: { scope: 'write' },
      schema: {
        summary: 'Open an enrolment window for its Customer ID',
        params: AccountId,
        body: WindowInput,
        response: { 201: Window },
      },
    },
    async (request, reply) => {
      const platform = ready()
      await existing(platform, request.params.id)
      const { seconds, devices } = request.body
      const window = await platform.change((tx) =>
        openWindow(tx, actor(request), { accountId: request.params.id, seconds, devices, openedFrom: request.ip }),
      )
      return reply.code(201).send({ ...window, until: window.until.toISOString() })
    },
  )
}

async function existing(platform: ApiPlatform, id: string): Promise<StoredAccount> {
  const account = await findAccount(platform.db, id)
  if (account === undefined) throw notFound('account', id)
  return account
}

/**
 * Throws unless every line is one of the account's and free.
 * @param mac a device whose own lines count as free
 */
export async function refuseForeignLines(
  platform: ApiPlatform,
  accountId: string,
  lineIds: readonly string[],
  mac?: string,
): Promise<void> {
  if (lineIds.length === 0) return
  const own = new Map((await listLines(platform.db, accountId)).map((line) => [line.id, line]))
  const foreign = lineIds.find((id) => !own.has(id))
  if (foreign !== undefined) {
    throw new ApiProblem(
      422,
      'unknown-line',
      `Line "${foreign}" is not one of account "${accountId}". List its lines to see their ids.`,
    )
  }
  const taken = lineIds.map((id) => own.get(id)).find((line) => typeof line?.mac === 'string' && line.mac !== mac)
  if (taken !== undefined) {
    throw new ApiProblem(
      409,
      'line-in-use',
      `Line "${taken.id}" (${taken.userId}) is on device ${taken.mac ?? ''}. Release that device first, or name another line.`,
    )
  }
}

function accountJson(account: StoredAccount): z.infer<typeof Account> {
  return { ...account, settings: { ...account.settings }, createdAt: account.createdAt.toISOString() }
}

function lineJson(line: StoredLine, password: string | null): z.infer<typeof Line> {
  return { ...line, password, secret: true }
}
