/**
 * Keypad sheets: what a person types at a phone to provision it, with a code that is short in digits and in life.
 * Source: guide "Manually Provision a Phone from the Keypad"; MPP §7.5.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { assert } from '../../../protocol/result.ts'
import { type KeypadSheet as Sheet, keypadSheetPdf, keypadSheetText, keypadSteps } from '../../papers/mod.ts'
import {
  createKeypadCode,
  type DeviceView,
  findAccount,
  KEYPAD_CODE_S,
  KEYPAD_CODES_MAX,
  KEYPAD_DIGITS,
  type KeypadProblem,
  type StoredAccount,
} from '../../store/mod.ts'
import { actor } from '../auth.ts'
import type { Api, ApiPlatform, ReadyPlatform } from '../context.ts'
import { id as Id, Mac } from '../contract.ts'
import { KeypadInput, KeypadQuery, KeypadSheet } from '../contract/keypad.ts'
import { reachableDevice } from '../device-json.ts'
import { existingAccount } from '../existing-account.ts'
import { ApiProblem } from '../problem.ts'

type Format = NonNullable<z.infer<typeof KeypadQuery>['format']>

const DESCRIPTION =
  'Each sheet has a code of its own, told once, for one phone with a device certificate over TLS. The code is among those of the account and can be revoked there.'

export function keypadRoutes(api: Api, ready: ReadyPlatform): void {
  api.post(
    '/api/v1/accounts/:id/keypad-sheets',
    {
      config: { scope: 'stage' },
      schema: {
        summary: 'Make a sheet to provision any one phone for this account by its keypad',
        description: DESCRIPTION,
        params: z.object({ id: Id }),
        querystring: KeypadQuery,
        body: KeypadInput,
        response: { 201: KeypadSheet },
      },
    },
    async (request, reply) => {
      const platform = ready()
      const account = await existingAccount(request, platform, request.params.id)
      const { digits } = request.body
      const { id, sheet } = await makeSheet(request, platform, { account, device: undefined, digits })
      return answerSheet(reply, id, sheet, formatOf(request, request.query.format))
    },
  )
  api.post(
    '/api/v1/devices/:mac/keypad-sheets',
    {
      config: { scope: 'stage' },
      schema: {
        summary: 'Make a sheet to provision this phone, and no other, by its keypad',
        description: `${DESCRIPTION} The phone may be bound already: then it gets its profile again.`,
        params: z.object({ mac: Mac }),
        querystring: KeypadQuery,
        body: KeypadInput,
        response: { 201: KeypadSheet },
      },
    },
    async (request, reply) => {
      const platform = ready()
      const device = await reachableDevice(request, platform, request.params.mac)
      const account = await accountOf(platform, device)
      const { digits } = request.body
      const { id, sheet } = await makeSheet(request, platform, { account, device, digits })
      return answerSheet(reply, id, sheet, formatOf(request, request.query.format))
    },
  )
}

/** Throws the 409 of a device that a code could not bring in. */
async function accountOf(platform: ApiPlatform, device: DeviceView): Promise<StoredAccount> {
  const { mac, state, account_id: accountId } = device
  const what = `Cannot make a keypad sheet for ${mac}`
  if (state === 'held') {
    throw new ApiProblem(409, 'wrong-state', `${what}: it is held. Confirm it, and it is provisioned without a sheet.`)
  }
  if (state === 'disabled') {
    throw new ApiProblem(409, 'wrong-state', `${what}: it is disabled and would be refused. Enable it first.`)
  }
  if (accountId === null) {
    const advice = 'Give it an account first, or make a sheet for the account.'
    throw new ApiProblem(409, 'device-of-nobody', `${what}: it belongs to no account. ${advice}`)
  }
  const account = await findAccount(platform.db, accountId)
  assert(account !== undefined, 'the account of a device is there')
  return account
}

interface Wanted {
  readonly account: StoredAccount
  /** The only phone that may use it. */
  readonly device: DeviceView | undefined
  readonly digits: number
}

async function makeSheet(
  request: FastifyRequest,
  platform: ApiPlatform,
  wanted: Wanted,
): Promise<{ readonly id: string; readonly sheet: Sheet }> {
  const { account, device, digits } = wanted
  const made = await platform.change((tx) =>
    createKeypadCode(tx, actor(request), { accountId: account.id, digits, mac: device?.mac }),
  )
  if (!made.ok) throw keypadProblem(made.error, wanted)
  const { id, code, expiresAt } = made.value
  // Its name and not the request's Host header: who types it must come to us. A default port is left out.
  const rule = new URL(`${platform.facts().publicUrl}/cisco-init/${code}`).href
  const phone = device === undefined ? undefined : { mac: device.mac, model: device.model }
  const steps = keypadSteps({ rule, expiresAt, phone })
  return { id, sheet: { customer: account.name, phone, rule, code, expiresAt, steps } }
}

function keypadProblem({ of, retryAfterSeconds }: KeypadProblem, { account, digits }: Wanted): ApiProblem {
  const detail =
    of === 'account'
      ? `Cannot make a keypad sheet for account "${account.id}": ${KEYPAD_CODES_MAX} of its sheets can still be used. Use them, revoke codes that nobody needs, or wait ${retryAfterSeconds} s until one ends.`
      : `Cannot make a keypad sheet of ${digits} digits for any phone: with one more, the codes in force could be guessed too soon. Ask for ${KEYPAD_DIGITS.max} digits, make one for a device, which only that phone may use, or wait ${retryAfterSeconds} s until one ends.`
  return new ApiProblem(429, 'too-many-keypad-codes', detail, undefined, retryAfterSeconds)
}

/** The query says it, or the first of the three that the client accepts. */
function formatOf(request: FastifyRequest, asked: Format | undefined): Format {
  if (asked !== undefined) return asked
  const accepted = (request.headers.accept ?? '').split(',').map((each) => each.split(';')[0]?.trim().toLowerCase())
  return accepted.map((each) => FORMATS.get(each ?? '')).find((each) => each !== undefined) ?? 'json'
}

const FORMATS: ReadonlyMap<string, Format> = new Map([
  ['application/json', 'json'],
  ['text/plain', 'text'],
  ['application/pdf', 'pdf'],
])

async function answerSheet(reply: FastifyReply, id: string, sheet: Sheet, format: Format): Promise<FastifyReply> {
  const text = keypadSheetText(sheet)
  const { code, rule, phone, expiresAt, steps } = sheet
  // It holds a secret that nobody needs for long.
  reply.code(201).header('cache-control', 'no-store')
  const json = { id, code, rule, mac: phone?.mac ?? null, expiresAt: expiresAt.toISOString(), steps: [...steps], text }
  // The serializer is for JSON; text that is sent as it is goes past it, as bytes do.
  if (format === 'text')
    return reply
      .type('text/plain; charset=utf-8')
      .serializer(() => text)
      .send(json)
  if (format === 'json') return reply.send(json)
  // The same sheet asked for again is the same bytes: its date is that of its code.
  const pdf = Buffer.from(await keypadSheetPdf(sheet, new Date(expiresAt.getTime() - KEYPAD_CODE_S * 1000)))
  return reply.type('application/pdf').header('content-disposition', `inline; filename="keypad-${id}.pdf"`).send(pdf)
}
