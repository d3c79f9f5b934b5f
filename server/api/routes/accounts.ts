/** Accounts as a tree. Their lines, codes and windows are in files of their own. */
import { randomBytes } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { ACCOUNT_LEVELS_MAX } from '../../accounts/mod.ts'
import type { AccountSettings } from '../../devices/mod.ts'
import {
  type AccountPatch as Patch,
  accountContents,
  type AccountContents,
  type AccountProblem,
  accountTree,
  changeAccountSettings,
  createAccount,
  deleteAccount,
  listAccounts,
  nextMark,
  type StoredAccount,
  type TreeRow,
  updateAccount,
} from '../../store/mod.ts'
import { actor } from '../auth.ts'
import type { Api, ApiPlatform, ReadyPlatform } from '../context.ts'
import { Account, AccountInput, AccountSettingsInput } from '../contract.ts'
import { AccountPatch, AccountQuery, AccountTree } from '../contract/accounts.ts'
import { badMark, existingAccount } from '../existing-account.ts'
import { ApiProblem, notFound } from '../problem.ts'
import { withoutAbsent } from '../query.ts'
import { reachOf } from '../reach.ts'
import { refuseReferenced } from '../referenced.ts'
import { codeRoutes } from './codes.ts'
import { lineRoutes } from './lines.ts'

const AccountId = z.object({ id: z.string().max(128) })

export function accountRoutes(api: Api, ready: ReadyPlatform): void {
  makingRoute(api, ready)
  readingRoutes(api, ready)
  changingRoutes(api, ready)
  deletingRoute(api, ready)
  lineRoutes(api, ready)
  codeRoutes(api, ready)
}

function makingRoute(api: Api, ready: ReadyPlatform): void {
  api.post(
    '/api/v1/accounts',
    {
      config: { scope: 'write' },
      schema: { summary: 'Make an account', body: AccountInput, response: { 201: Account } },
    },
    async (request, reply) => {
      const platform = ready()
      const { name, kind, parentId, settings } = request.body
      await refuseParentOutOfReach(request, platform, parentId)
      const customerId = request.body.customerId ?? randomBytes(6).toString('hex')
      const made = await platform.change((tx) =>
        createAccount(tx, actor(request), {
          name,
          kind,
          parentId,
          customerId,
          settings: withoutAbsent<AccountSettings>(settings),
        }),
      )
      if (!made.ok) throw accountProblem('make the account', made.error, { kind, customerId, parentId })
      return reply.code(201).send(accountJson(made.value))
    },
  )
}

/** A token that is limited makes and moves accounts below its own only. */
async function refuseParentOutOfReach(
  request: FastifyRequest,
  platform: ApiPlatform,
  parentId: string | null | undefined,
): Promise<void> {
  const reach = await reachOf(request, platform)
  if (parentId !== undefined && parentId !== null) await existingAccount(request, platform, parentId)
  else if (reach !== null) {
    throw new ApiProblem(
      403,
      'out-of-reach',
      'The token is limited to one account and all below it. Name one of them as parentId.',
    )
  }
}

function readingRoutes(api: Api, ready: ReadyPlatform): void {
  api.get(
    '/api/v1/accounts',
    {
      config: { scope: 'read', orScope: 'stage' },
      schema: {
        summary: 'List accounts',
        querystring: AccountQuery,
        response: { 200: z.object({ items: z.array(Account), next: z.string().nullable() }) },
      },
    },
    async (request) => {
      const platform = ready()
      const { limit, after, sort, parentId, kind, q } = request.query
      const reach = await reachOf(request, platform)
      const rows = await listAccounts(platform.db, { reach, limit, after, sort, parentId, kind, q })
      if (rows === undefined) throw badMark(after)
      return { items: rows.map(accountJson), next: nextMark(rows, limit, (index) => rows[index]?.id ?? '') }
    },
  )
  api.get(
    '/api/v1/accounts/:id',
    {
      config: { scope: 'read', orScope: 'stage' },
      schema: { summary: 'One account', params: AccountId, response: { 200: Account } },
    },
    async (request) => accountJson(await existingAccount(request, ready(), request.params.id)),
  )
  api.get(
    '/api/v1/accounts/:id/tree',
    {
      config: { scope: 'read' },
      schema: { summary: 'It and all accounts below it', params: AccountId, response: { 200: AccountTree } },
    },
    async (request) => {
      const { id } = await existingAccount(request, ready(), request.params.id)
      return { items: treeJson(await accountTree(ready().db, id)) }
    },
  )
}

function treeJson(rows: readonly TreeRow[]): z.infer<typeof AccountTree>['items'] {
  const depths = new Map<string, number>()
  return rows.map((row) => {
    const depth = row.parentId === null ? 0 : (depths.get(row.parentId) ?? -1) + 1
    depths.set(row.id, depth)
    return { ...accountJson(row), depth, deviceCount: row.deviceCount, lineCount: row.lineCount }
  })
}

function changingRoutes(api: Api, ready: ReadyPlatform): void {
  api.patch(
    '/api/v1/accounts/:id',
    {
      config: { scope: 'write' },
      schema: {
        summary: 'Change its name, its Customer ID or its place in the tree',
        params: AccountId,
        body: AccountPatch,
        response: { 200: Account },
      },
    },
    async (request) => {
      const platform = ready()
      const before = await existingAccount(request, platform, request.params.id)
      const patch = withoutAbsent<Patch>(request.body)
      if (patch.parentId !== undefined && patch.parentId !== before.parentId) {
        await refuseParentOutOfReach(request, platform, patch.parentId)
      }
      const changed = await platform.change((tx) => updateAccount(tx, actor(request), before.id, patch))
      if (changed === undefined) throw notFound('account', before.id)
      if (!changed.ok) throw accountProblem('change the account', changed.error, { ...before, ...patch })
      return accountJson(changed.value)
    },
  )
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
      const platform = ready()
      const { id } = await existingAccount(request, platform, request.params.id)
      const settings = withoutAbsent<AccountSettings>(request.body)
      const changed = await platform.change((tx) => changeAccountSettings(tx, actor(request), id, settings))
      if (changed === undefined) throw notFound('account', id)
      return accountJson(changed)
    },
  )
}

function deletingRoute(api: Api, ready: ReadyPlatform): void {
  api.delete(
    '/api/v1/accounts/:id',
    {
      config: { scope: 'write' },
      schema: { summary: 'Delete an empty account', params: AccountId, response: { 204: z.null() } },
    },
    async (request, reply) => {
      const platform = ready()
      const account = await existingAccount(request, platform, request.params.id)
      const what = `account "${account.id}"`
      const left = await refuseReferenced(what, () =>
        platform.change(async (tx) => {
          const contents = await accountContents(tx, account.id)
          const empty = Object.values(contents).every((count) => count === 0)
          if (empty) await deleteAccount(tx, actor(request), account)
          return empty ? null : contents
        }),
      )
      if (left !== null) throw notEmpty(account, left)
      return reply.code(204).send(null)
    },
  )
}

const CONTENT_NAMES: Readonly<Record<keyof AccountContents, string>> = {
  accounts: 'account(s) below it',
  devices: 'device(s)',
  lines: 'line(s)',
  batches: 'batch(es)',
  tokens: 'token(s) in force',
}

function notEmpty(account: StoredAccount, left: AccountContents): ApiProblem {
  const names = Object.keys(CONTENT_NAMES) as (keyof AccountContents)[]
  const still = names.filter((name) => left[name] > 0)
  const counts = still.map((name) => `${left[name]} ${CONTENT_NAMES[name]}`).join(', ')
  return new ApiProblem(
    409,
    'account-not-empty',
    `Cannot delete account "${account.id}" (${account.name}): it still has ${counts}. Move or delete them first.`,
    still.map((name) => ({ code: 'still-there', place: name, message: `${left[name]} ${CONTENT_NAMES[name]}` })),
  )
}

function accountProblem(
  what: string,
  problem: AccountProblem,
  wanted: { readonly kind: string; readonly customerId: string; readonly parentId: string | null | undefined },
): ApiProblem {
  switch (problem.kind) {
    case 'taken':
      return new ApiProblem(
        409,
        'customer-id-taken',
        `Cannot ${what}: "${wanted.customerId}" is in use as a Customer ID, or as a code for a keypad. Choose another.`,
      )
    case 'no-parent':
      return notFound('account', wanted.parentId ?? '')
    case 'wrong-parent':
      return new ApiProblem(
        422,
        'wrong-parent',
        `Cannot ${what}: a ${wanted.kind} cannot stand below a ${problem.below}; below it may stand: ${problem.may.join(', ')}. Choose another parent.`,
      )
    case 'circle':
      return new ApiProblem(
        409,
        'account-circle',
        `Cannot ${what}: account "${wanted.parentId ?? ''}" is the account itself or below it. Choose a parent outside.`,
      )
    case 'too-deep':
      return new ApiProblem(
        422,
        'tree-too-deep',
        `Cannot ${what}: the tree would have ${problem.levels} levels; at most ${ACCOUNT_LEVELS_MAX} are allowed. Choose a parent further up.`,
      )
  }
}

function accountJson(account: StoredAccount): z.infer<typeof Account> {
  const { id, name, customerId, kind, parentId, settings, createdAt } = account
  return { id, name, customerId, kind, parentId, settings: { ...settings }, createdAt: createdAt.toISOString() }
}
