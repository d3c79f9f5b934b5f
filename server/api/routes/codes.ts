/** One-time codes and enrolment windows of an account. */
import { z } from 'zod'
import { printResyncUrl } from '../../../protocol/http/mod.ts'
import {
  closeWindow,
  createCode,
  listCodes,
  type ListedCode as StoredCode,
  type ListedWindow as StoredWindow,
  listWindows,
  openWindow,
  revokeCode,
} from '../../store/mod.ts'
import { actor } from '../auth.ts'
import type { Api, ReadyPlatform } from '../context.ts'
import { Code, CodeInput, id as Id, Window, WindowInput } from '../contract.ts'
import { ListedCode, ListedWindow } from '../contract/accounts.ts'
import { existingAccount } from '../existing-account.ts'
import { refuseForeignLines } from '../free-lines.ts'
import { notFound } from '../problem.ts'
import { PageQuery } from '../query.ts'

const AccountId = z.object({ id: z.string().max(128) })

/** These lists go by their last id. */
const IdPage = PageQuery.extend({ after: Id.optional().describe('`next` of the page before') })

export function codeRoutes(api: Api, ready: ReadyPlatform): void {
  codeMaking(api, ready)
  codeListing(api, ready)
  windowMaking(api, ready)
  windowListing(api, ready)
}

function codeMaking(api: Api, ready: ReadyPlatform): void {
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
      const { id } = await existingAccount(request, platform, request.params.id)
      const { ttlSeconds, devices, lineIds } = request.body
      await refuseForeignLines(platform, id, lineIds)
      const code = await platform.change((tx) =>
        createCode(tx, actor(request), { accountId: id, ttlSeconds, devices, lineIds }),
      )
      const url = printResyncUrl('PHONE', `${platform.facts().publicUrl}/cisco-init/${code.code}`)
      return reply.code(201).send({ ...code, url, lineIds: [...code.lineIds], expiresAt: code.expiresAt.toISOString() })
    },
  )
  api.delete(
    '/api/v1/accounts/:id/codes/:codeId',
    {
      config: { scope: 'write' },
      schema: { summary: 'Revoke a code', params: AccountId.extend({ codeId: Id }), response: { 204: z.null() } },
    },
    async (request, reply) => {
      const { id, codeId } = request.params
      await existingAccount(request, ready(), id)
      const revoked = await ready().change((tx) => revokeCode(tx, actor(request), id, codeId))
      if (!revoked) throw notFound('code in force', codeId)
      return reply.code(204).send(null)
    },
  )
}

function codeListing(api: Api, ready: ReadyPlatform): void {
  api.get(
    '/api/v1/accounts/:id/codes',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Its codes, newest first; never the code itself',
        params: AccountId,
        querystring: IdPage,
        response: { 200: z.object({ items: z.array(ListedCode), next: z.string().nullable() }) },
      },
    },
    async (request) => {
      const { id } = await existingAccount(request, ready(), request.params.id)
      const { limit, after } = request.query
      const rows = await listCodes(ready().db, { accountId: id, limit, after })
      return { items: rows.map(codeJson), next: rows.length === limit ? (rows.at(-1)?.id ?? null) : null }
    },
  )
}

function windowMaking(api: Api, ready: ReadyPlatform): void {
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
      const { id } = await existingAccount(request, platform, request.params.id)
      const { seconds, devices } = request.body
      const window = await platform.change((tx) =>
        openWindow(tx, actor(request), { accountId: id, seconds, devices, openedFrom: request.ip }),
      )
      return reply.code(201).send({ ...window, until: window.until.toISOString() })
    },
  )
}

function windowListing(api: Api, ready: ReadyPlatform): void {
  api.get(
    '/api/v1/accounts/:id/windows',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Its enrolment windows, newest first',
        params: AccountId,
        querystring: IdPage,
        response: { 200: z.object({ items: z.array(ListedWindow), next: z.string().nullable() }) },
      },
    },
    async (request) => {
      const { id } = await existingAccount(request, ready(), request.params.id)
      const { limit, after } = request.query
      const rows = await listWindows(ready().db, { accountId: id, limit, after })
      return { items: rows.map(windowJson), next: rows.length === limit ? (rows.at(-1)?.id ?? null) : null }
    },
  )
  api.delete(
    '/api/v1/accounts/:id/windows/:windowId',
    {
      config: { scope: 'write' },
      schema: {
        summary: 'Close an enrolment window',
        params: AccountId.extend({ windowId: Id }),
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      const { id, windowId } = request.params
      await existingAccount(request, ready(), id)
      const closed = await ready().change((tx) => closeWindow(tx, actor(request), id, windowId))
      if (!closed) throw notFound('open window', windowId)
      return reply.code(204).send(null)
    },
  )
}

function codeJson(code: StoredCode): z.infer<typeof ListedCode> {
  return {
    ...code,
    usedBy: [...code.usedBy],
    lineIds: [...code.lineIds],
    expiresAt: code.expiresAt.toISOString(),
    createdAt: code.createdAt.toISOString(),
  }
}

function windowJson(window: StoredWindow): z.infer<typeof ListedWindow> {
  return { ...window, openedAt: window.openedAt.toISOString(), until: window.until.toISOString() }
}
