/** Reads a submitted form, bounded. Source: WHATWG URL §5 (application/x-www-form-urlencoded); MPP §7.1. */
import { err, ok } from '../../../protocol/result.ts'
import type { Result } from '../../../protocol/result.ts'
import type { Agent, WebRequest } from '../types.ts'
import { sameSecret } from './state.ts'
import type { Account } from './state.ts'

/** A whole tab of the biggest model has about 400 fields. */
export const FORM_BYTES_MAX = 262_144
export const FORM_FIELDS_MAX = 2000
export const FORM_VALUE_CHARS_MAX = 4096

/** Names of the form's own fields begin with a dot, which no parameter does. */
export const TOKEN_FIELD = '.token'
export const TAB_FIELD = '.tab'
/** Names a secret parameter to be emptied; may come several times. */
export const CLEAR_FIELD = '.clear'

export interface SubmittedForm {
  readonly tab: string
  readonly values: ReadonlyMap<string, string>
  readonly cleared: ReadonlySet<string>
}

export interface FormProblem {
  readonly status: 400 | 403 | 413 | 415
  readonly text: string
}

/** @returns the fields of a form that came from our own page, or why it is refused. Never throws. */
export function readForm(agent: Agent, account: Account, request: WebRequest): Result<SubmittedForm, FormProblem> {
  if (request.body.length > FORM_BYTES_MAX) return err({ status: 413, text: 'The form is too large.' })
  const type = (request.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/x-www-form-urlencoded') {
    return err({ status: 415, text: 'A form must be sent as application/x-www-form-urlencoded.' })
  }
  const entries = [...new URLSearchParams(new TextDecoder().decode(request.body))]
  if (entries.length > FORM_FIELDS_MAX) return err({ status: 413, text: 'The form has too many fields.' })
  const form = new Map(entries)
  const token = agent.ram.web.formTokens?.[account]
  if (token === undefined || !sameSecret(form.get(TOKEN_FIELD) ?? '', token)) {
    return err({
      status: 403,
      text: 'This form is from before the last restart of the phone, or from another page. Open the page again.',
    })
  }
  const cleared = new Set(entries.filter(([name]) => name === CLEAR_FIELD).map(([, value]) => value))
  const values = new Map([...form].filter(([name]) => !name.startsWith('.')))
  return ok({ tab: form.get(TAB_FIELD) ?? '', values, cleared })
}

/**
 * Whether the name in Host can be this phone's. A page of a stranger whose name was made to point at the phone (DNS
 * rebinding) counts as the same site for a browser, so its forms are refused by that name. Good are addresses, names
 * without a dot, names of the phone's own domain, and those of the local network that nobody else can own.
 */
export function isOwnName(agent: Agent, host: string | undefined): boolean {
  if (host === undefined) return true
  const name = host
    .trim()
    .toLowerCase()
    .replace(/:\d{1,5}$/, '')
    .replace(/\.$/, '')
  if (/^\[[0-9a-f:.%]+\]$/.test(name) || /^[0-9]{1,3}(?:\.[0-9]{1,3}){3}$/.test(name)) return true
  const domain = (agent.ram.lease?.domain ?? '').trim().toLowerCase().replace(/\.$/, '')
  const endings = [...(domain === '' ? [] : [domain]), 'localhost', 'local', 'home.arpa', 'internal']
  return /^[a-z0-9_-]+$/.test(name) || endings.some((ending) => name.endsWith(`.${ending}`))
}

/** Whether a browser says that a page of another site sent this request. Scripts send neither header. */
export function comesFromElsewhere(request: WebRequest): boolean {
  if (request.headers.get('sec-fetch-site') === 'cross-site') return true
  const origin = request.headers.get('origin')
  if (origin === undefined) return false
  const host = request.headers.get('host')
  return host === undefined || origin.toLowerCase() !== `${request.tls ? 'https' : 'http'}://${host.toLowerCase()}`
}
