/**
 * The API as commands use it: of the server on this machine, with a token made for the moment, or of any other by
 * `--api` and `--token`.
 */
import { userInfo } from 'node:os'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { Settings } from '../../server/main.ts'
import { CliProblem, EXIT, usageProblem } from '../exit-codes.ts'
import { printJson } from '../output.ts'
import { addSettingOptions, settingsFrom } from '../settings.ts'
import { withRunningDatabase } from '../store-access.ts'

/** Of a token that is made for one command; one that takes longer makes another. */
const TOKEN_SECONDS = 600
const ANSWER_MS = 60_000
/** Problems of one refusal that are printed. */
const PROBLEMS_MAX = 20

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

export interface RawRequest {
  readonly body?: string | Uint8Array
  readonly type?: string
  /** Ends the request without a problem: the caller knows why. */
  readonly signal?: AbortSignal
  /** For the whole answer; a minute where it is left out, for ever with a signal. */
  readonly timeoutMs?: number
}

export interface ApiAccess {
  /** @returns the answer's JSON, undefined for none. Throws CliProblem with the server's own words. */
  call<T>(method: Method, path: string, body?: unknown): Promise<T>
  /** As `call`, but any content type out and the raw response back. @param path below /api/v1, or from the root with `/` */
  raw(method: Method, path: string, more?: RawRequest): Promise<Response>
}

/** The settings of the server that say where its API and its database are. */
const SERVER_SETTINGS = ['DATA', 'API_HOST', 'API_PORT', 'DATABASE_URL'] as const

/** What every command of the API shares: which server, which token, JSON or text. */
export function addApiOptions(command: Command): Command {
  return addSettingOptions(command.option('--json', 'print JSON').optionsGroup('Which server:'), SERVER_SETTINGS)
    .option('--api <url>', 'another server, e.g. https://prov.example.com [OFFHOOK_API]')
    .option('--token <token>', 'an API token; better in the environment [OFFHOOK_TOKEN]')
}

export type ApiOptions = Readonly<Record<string, unknown>>

/** Throws CliProblem: exit code 3 when nobody answers there, 2 when a token is missing. */
export async function openApi(options: ApiOptions): Promise<ApiAccess> {
  const named = textOf(options['api']) ?? textOf(process.env['OFFHOOK_API'])
  const token = textOf(options['token']) ?? textOf(process.env['OFFHOOK_TOKEN'])
  if (token !== undefined && !/^[!-~]+$/.test(token)) {
    throw usageProblem('The token holds blanks or other characters that no token has; expected one like oh_…')
  }
  if (named !== undefined) {
    if (!URL.canParse(named) || !/^https?:/.test(named)) {
      throw usageProblem(`"${named}" is no URL; expected one like http://127.0.0.1:8000`)
    }
    if (token === undefined) throw usageProblem('A server named by --api needs a token: --token or OFFHOOK_TOKEN')
    return access(baseOf(new URL(named)), async () => token)
  }
  const settings = settingsFrom(options)
  const host = settings.apiHost === '0.0.0.0' || settings.apiHost === '::' ? '127.0.0.1' : settings.apiHost
  const base = `http://${host.includes(':') ? `[${host}]` : host}:${settings.apiPort}`
  if (token !== undefined) return access(base, async () => token)
  await refuseAbsent(base)
  return access(base, () => tokenForNow(settings, base), true)
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** A proxy may have the API below a path; the API's own path is known here. */
function baseOf({ origin, pathname }: URL): string {
  return `${origin}${pathname.replace(/\/+$/, '').replace(/\/api(?:\/v1)?$/, '')}`
}

/** Before a token is made: without a server nothing of the data directory is opened. */
async function refuseAbsent(base: string): Promise<void> {
  try {
    await fetch(`${base}/health`, { signal: AbortSignal.timeout(ANSWER_MS) })
  } catch (error) {
    throw absent(base, error)
  }
}

/** Whoever may open the server's database may do everything anyway. */
async function tokenForNow(settings: Settings, base: string): Promise<string> {
  // Who gives a token of their own does not wait until this is loaded.
  const { createToken } = await import('../../server/store/mod.ts')
  const token = { name: `cli ${userName()}`, scopes: ['admin'], ttlSeconds: TOKEN_SECONDS } as const
  const made = await withRunningDatabase(settings, (db) => createToken(db, token))
  if (made !== undefined) return made
  const where = settings.databaseUrl === undefined ? `"${resolve(settings.dataDir)}"` : 'OFFHOOK_DATABASE_URL'
  throw new CliProblem(
    `A server answers at ${base}, and ${where} is not its data, or not readable by this user. Name its data directory by --data, or give a token by OFFHOOK_TOKEN`,
  )
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    // A container may run under a number that has no name.
    return String(process.getuid?.() ?? '')
  }
}

/** @param renews whether a token that is refused is replaced once by a new one */
function access(base: string, makeToken: () => Promise<string>, renews = false): ApiAccess {
  let token: Promise<string> | undefined
  async function once(method: Method, path: string, more: RawRequest): Promise<Response> {
    token ??= makeToken()
    const headers: Record<string, string> = { authorization: `Bearer ${await token}` }
    if (more.type !== undefined) headers['content-type'] = more.type
    try {
      return await fetch(`${base}/${path.startsWith('/') ? path.slice(1) : `api/v1/${path}`}`, {
        method,
        headers,
        ...(more.body === undefined ? {} : { body: more.body }),
        signal: more.signal ?? AbortSignal.timeout(more.timeoutMs ?? ANSWER_MS),
      })
    } catch (error) {
      if (more.signal?.aborted === true) throw error
      throw absent(base, error)
    }
  }
  const raw: ApiAccess['raw'] = async (method, path, more = {}) => {
    const isNew = token === undefined
    const response = await once(method, path, more)
    if (response.status !== 401 || !renews) return response
    if (isNew) throw otherData(base)
    token = undefined
    return once(method, path, more)
  }
  return {
    raw,
    async call<T>(method: Method, path: string, body?: unknown) {
      const sent = body === undefined ? {} : { body: JSON.stringify(body), type: 'application/json' }
      const response = await raw(method, path, sent)
      await refuseFailure(response)
      const text = await response.text()
      return (text === '' ? undefined : JSON.parse(text)) as T
    },
  }
}

function otherData(base: string): CliProblem {
  return new CliProblem(
    `The server at ${base} does not know the token that was made for it here: it runs on other data. Name its data directory by --data, or give a token by OFFHOOK_TOKEN`,
  )
}

function absent(base: string, error: unknown): CliProblem {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const words = cause instanceof Error ? cause.message : String(cause)
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  const reason = words === '' ? code : words
  return new CliProblem(
    `No server answers at ${base} (${reason}). Start one with "offhook serve", or name it by --api`,
    EXIT.unreachable,
  )
}

/** A refusal of the API: the problem document as it came, and its words. */
export class ApiRefusal extends CliProblem {
  readonly status: number
  readonly document: unknown

  constructor(message: string, status: number, document: unknown) {
    super(message)
    this.status = status
    this.document = document
  }
}

/** A problem document of the API, as far as commands read it. */
export interface Problem {
  readonly title?: string
  readonly detail?: string
  readonly problems?: readonly { readonly place?: string; readonly message?: string; readonly advice?: string }[]
}

const REFUSED_TOKEN =
  'The server does not take the token: it is wrong, or it has ended. Make one there by "offhook token create" and give it by OFFHOOK_TOKEN'

/** Throws ApiRefusal unless the server did what was asked. */
export async function refuseFailure(response: Response): Promise<void> {
  if (response.ok) return
  const text = await response.text()
  const document = problemOf(text)
  const lines = (document.problems ?? [])
    .slice(0, PROBLEMS_MAX)
    .map(({ place = '', message = '', advice = '' }) => `  ${place}: ${message}${advice === '' ? '' : ` ${advice}`}`)
  const said = document.detail ?? document.title ?? `The server answered ${response.status}`
  const words = response.status === 401 ? REFUSED_TOKEN : said
  const shown = Object.keys(document).length === 0 ? { title: words, status: response.status } : document
  throw new ApiRefusal([words, ...(lines.length > 1 ? lines : [])].join('\n'), response.status, shown)
}

/** @returns the answer as it came. Throws ApiRefusal unless the server did what was asked. */
export async function bytesOf(response: Response): Promise<Uint8Array> {
  await refuseFailure(response)
  return new Uint8Array(await response.arrayBuffer())
}

function problemOf(text: string): Problem {
  try {
    const read: unknown = JSON.parse(text)
    return typeof read === 'object' && read !== null ? (read as Problem) : {}
  } catch {
    // A proxy in between answers in its own words.
    return {}
  }
}

/** Rows of one page. */
const PAGE = 1000

interface Page<T> {
  readonly items: readonly T[]
  readonly next: string | null
}

/** All pages of a list. @param path with or without a query of its own */
export async function allPages<T>(api: ApiAccess, path: string): Promise<readonly T[]> {
  const items: T[] = []
  let after: string | null = ''
  while (after !== null) {
    const query = new URLSearchParams({ limit: String(PAGE), ...(after === '' ? {} : { after }) })
    const page: Page<T> = await api.call<Page<T>>('GET', `${path}${path.includes('?') ? '&' : '?'}${query.toString()}`)
    items.push(...page.items)
    after = page.next
  }
  return items
}

/** Does the work of a command; a refusal with `--json` is JSON too. */
export async function withApi(options: ApiOptions, work: (api: ApiAccess) => Promise<void>): Promise<void> {
  try {
    await work(await openApi(options))
  } catch (error) {
    if (options['json'] === true && error instanceof ApiRefusal) printJson(error.document)
    throw error
  }
}
