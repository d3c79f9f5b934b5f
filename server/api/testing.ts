/** Test support for the API: a door on a real database, and calls with tokens of all kinds. */
import { randomBytes } from 'node:crypto'
import { pino } from 'pino'
import { afterAll } from 'vitest'
import { createAccount, createToken, type NewToken, type TokenScope } from '../store/mod.ts'
import { openTestPlatform, plant, type TestPlatform } from '../testing.ts'
import { type ApiDoor, type ApiOptions, listenApi } from './mod.ts'

export interface Answer {
  readonly status: number
  readonly type: string
  readonly headers: Headers
  readonly json: any // oxlint-disable-line typescript/no-explicit-any -- the tests look at the shapes themselves
  readonly text: string
}

export interface CallOptions {
  readonly body?: unknown
  /** undefined: the token of an administrator; '' sends none. */
  readonly token?: string | undefined
  readonly headers?: Readonly<Record<string, string>>
}

export interface TestApi extends TestPlatform {
  readonly door: ApiDoor
  readonly base: string
  readonly call: (method: string, path: string, options?: CallOptions) => Promise<Answer>
  readonly tokenFor: (scopes: readonly TokenScope[], more?: Partial<NewToken>) => Promise<string>
  /** A customer of that account, else a reseller. @returns its id */
  readonly account: (parentId?: string) => Promise<string>
  /** One more process on the same database. */
  readonly listenAnother: () => Promise<TestApi>
}

/** @param options what the door is opened with, besides a free port */
export async function openTestApi(options: Partial<ApiOptions> = {}): Promise<TestApi> {
  const test = await openTestPlatform(options.log === undefined ? {} : { log: options.log })
  return listenOn(test, options)
}

async function listenOn(test: TestPlatform, options: Partial<ApiOptions>): Promise<TestApi> {
  const { platform } = test
  const door = await listenApi({
    host: '127.0.0.1',
    port: 0,
    platform: () => platform,
    log: pino({ level: 'silent' }),
    ...options,
  })
  afterAll(() => door.close())
  const base = `http://127.0.0.1:${door.port}`
  const tokenFor: TestApi['tokenFor'] = async (scopes, more = {}) =>
    plant(await createToken(platform.db, { name: scopes.join(), scopes, ...more }))
  const admin = await tokenFor(['admin'])
  return {
    ...test,
    door,
    base,
    tokenFor,
    account: (parentId) => accountOn(platform, parentId),
    call: (method, path, call = {}) => send(`${base}${path}`, method, { token: admin, ...withoutUndefined(call) }),
    listenAnother: async () => listenOn({ ...test, platform: await test.openAnother() }, options),
  }
}

async function accountOn(platform: TestPlatform['platform'], parentId: string | undefined): Promise<string> {
  const customerId = `c_${randomBytes(6).toString('hex')}`
  const kind = parentId === undefined ? 'reseller' : 'customer'
  const made = await platform.change((tx) =>
    createAccount(tx, 'test', { name: 'A', kind, parentId, customerId, settings: {} }),
  )
  if (!made.ok) throw new Error('cannot make an account')
  return made.value.id
}

function withoutUndefined(options: CallOptions): CallOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}

async function send(url: string, method: string, { body, token, headers }: CallOptions): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: {
      ...(token === undefined || token === '' ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  const type = response.headers.get('content-type') ?? ''
  const json: unknown = type.includes('json') && text !== '' ? JSON.parse(text) : undefined
  return { status: response.status, type, headers: response.headers, json, text }
}
