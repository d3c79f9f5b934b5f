/**
 * The "Set Password" page, by policy `setPasswordPage`: while nobody has provisioned the phone and the admin account has
 * no password, every page of the web server is this one. Source: MPP §7.1.
 */
import type { Millis } from '../../../protocol/result.ts'
import { escapeXml } from '../../../protocol/xml/mod.ts'
import { isBlank } from '../discovery.ts'
import type { Agent, WebRequest } from '../types.ts'
import { readForm, TOKEN_FIELD } from './form.ts'
import { showPage } from './page.ts'
import { htmlPage, sentence } from './response.ts'
import { passwordOf } from './settings.ts'
import type { WebAnswer } from './state.ts'
import { submitForm } from './submit.ts'

const PASSWORDS = ['Admin_Password', 'User_Password'] as const
/** The second writing of the admin's password. */
const AGAIN = 'Admin_Password_again'

/** @returns whether the phone answers nothing but this page. */
export function mustSetPassword(agent: Agent): boolean {
  return agent.policies.setPasswordPage && isBlank(agent) && passwordOf(agent, 'admin') === ''
}

/** Shows the page, takes it in, or refuses what is no page. */
export function insistOnPassword(agent: Agent, isPage: boolean, request: WebRequest, now: Millis): WebAnswer {
  if (!isPage) {
    const text = 'Set a password for the admin account first: open the web page of the phone.'
    return { agent, response: sentence(403, 'Set Password', text), commands: [] }
  }
  if (request.method !== 'POST') return show(agent, 200, [])
  const form = readForm(agent, 'admin', request)
  if (!form.ok) return { agent, response: sentence(form.error.status, 'Refused', form.error.text), commands: [] }
  const { values } = form.value
  const wanted = new Map(PASSWORDS.map((element) => [element, values.get(element) ?? '']))
  if (wanted.get('Admin_Password') === '') return show(agent, 400, ['Write a password for the admin account.'])
  if (values.get(AGAIN) !== wanted.get('Admin_Password')) return show(agent, 400, ['The two passwords differ.'])
  const submitted = submitForm(agent, 'admin', { tab: '', values: wanted, cleared: new Set() })
  if (!submitted.ok)
    return show(
      agent,
      400,
      [...submitted.error].map(([element, error]) => `${element}: ${error}`),
    )
  const { agent: next, changed } = submitted.value
  // Both are passwords of the web server, which uses them from now on: no reboot for them.
  const view = { account: 'user', tab: '', notice: 'The password is set.' } as const
  return {
    agent: next,
    response: showPage(next, view, now),
    commands: [{ kind: 'locally-changed', elements: changed }],
  }
}

function show(agent: Agent, status: number, errors: readonly string[]): WebAnswer {
  const said = errors.map((error) => `<p>${escapeXml(error)}</p>`).join('')
  const notice = errors.length === 0 ? '' : `<div class="notice" role="alert">${said}</div>\n`
  const input = (name: string, label: string): string =>
    `<label for="${name}">${label}</label><input type="password" id="${name}" name="${name}" value="" autocomplete="new-password">`
  const body = `<main>
<h1>Set Password</h1>
${notice}<p>This phone is new. Choose a password for the admin account; one for the user account is optional.</p>
<form method="post" action="/" autocomplete="off">
<input type="hidden" name="${TOKEN_FIELD}" value="${escapeXml(agent.ram.web.formTokens?.admin ?? '')}">
<div class="fields">
${input('Admin_Password', 'Admin password')}
${input(AGAIN, 'Admin password again')}
${input('User_Password', 'User password')}
</div>
<p class="submit"><button type="submit">Set Password</button></p>
</form>
</main>`
  return { agent, response: htmlPage(status, 'Set Password', body), commands: [] }
}
