/**
 * The pages that people see: Info, and one tab for each part of the configuration. Plain HTML, no script.
 * Source: MPP §7.3 (tabs), §7.4 (Info), §1.2 (names), §1.3 (user access).
 */
import { escapeXml } from '../../../protocol/xml/mod.ts'
import type { Millis } from '../../../protocol/result.ts'
import { settingNote } from '../cwmp/mod.ts'
import { parameterYes } from '../parameters.ts'
import type { Agent, WebResponse } from '../types.ts'
import { CLEAR_FIELD, TAB_FIELD, TOKEN_FIELD } from './form.ts'
import { MASK, withoutSecrets } from '../hidden.ts'
import { htmlPage } from './response.ts'
import { fieldsFor, tabsOf } from './settings.ts'
import type { Field } from './settings.ts'
import type { Account } from './state.ts'
import { statusSections } from './status.ts'
import type { FieldErrors } from './submit.ts'

/** The tab that shows the status instead of parameters. */
export const INFO_TAB = 'Info'

/** What a page shows beside the state of the phone. */
export interface PageView {
  readonly account: Account
  readonly tab: string
  readonly status?: number
  /** One sentence on top, e.g. what was saved. */
  readonly notice?: string
  readonly errors?: FieldErrors
  /** What was typed, shown again beside its errors. */
  readonly typed?: ReadonlyMap<string, string>
}

/** @returns the page of one tab; an unknown tab is the Info page. */
export function showPage(agent: Agent, view: PageView, now: Millis): WebResponse {
  const fields = fieldsFor(agent, view.account)
  const tabs = tabsOf(fields)
  const tab = tabs.includes(view.tab) ? view.tab : INFO_TAB
  const body =
    tab === INFO_TAB
      ? infoBody(agent, now)
      : formBody(
          agent,
          view,
          fields.filter((field) => field.tab === tab),
          tab,
        )
  const title = `${agent.hardware.productName} ${tab}`
  const html = [
    header(agent, view.account),
    navigation(view.account, [INFO_TAB, ...tabs], tab),
    '<main>',
    notice(view),
    body,
    '</main>',
  ]
  return htmlPage(view.status ?? 200, title, html.filter((part) => part !== '').join('\n'))
}

function header(agent: Agent, account: Account): string {
  const toAdmin = parameterYes(agent, 'Enable_Web_Admin_Access') ? '<a href="/admin">Admin login</a>' : ''
  const other = account === 'user' ? toAdmin : '<a href="/">User pages</a>'
  return `<header>
<h1>${escapeXml(agent.hardware.productName)} Configuration Utility</h1>
<p>Account ${account}, MAC ${escapeXml(agent.hardware.mac)}. ${other}</p>
</header>`
}

function navigation(account: Account, tabs: readonly string[], current: string): string {
  const links = tabs.map((tab) => {
    const mark = tab === current ? ' aria-current="page"' : ''
    return `<a href="${escapeXml(tabPath(account, tab))}"${mark}>${escapeXml(tab)}</a>`
  })
  return `<nav aria-label="Sections">\n${links.join('\n')}\n</nav>`
}

function tabPath(account: Account, tab: string): string {
  return `${formPath(account)}?tab=${encodeURIComponent(tab)}`
}

function formPath(account: Account): string {
  return account === 'admin' ? '/admin/advanced' : '/'
}

function notice({ notice: text, errors }: PageView): string {
  const sentences = [
    ...(text === undefined ? [] : [escapeXml(text)]),
    ...[...(errors ?? [])].map(
      ([element, error]) => `<a href="#${fieldId(element)}">${escapeXml(element)}</a>: ${escapeXml(error)}`,
    ),
  ]
  if (sentences.length === 0) return ''
  const [look, role] = errors === undefined ? ['notice', 'status'] : ['notice wrong', 'alert']
  return `<div class="${look}" role="${role}">${sentences.map((sentence) => `<p>${sentence}</p>`).join('')}</div>`
}

function infoBody(agent: Agent, now: Millis): string {
  const sections = statusSections(agent, now).map(({ title, rows }) => {
    const lines = rows.map(
      ({ label, value }) => `<tr><th scope="row">${escapeXml(label)}</th><td>${escapeXml(value)}</td></tr>`,
    )
    return `<section>\n<h2>${escapeXml(title)}</h2>\n<table>\n${lines.join('\n')}\n</table>\n</section>`
  })
  return sections.join('\n')
}

function formBody(agent: Agent, view: PageView, fields: readonly Field[], tab: string): string {
  const groups = [...new Set(fields.map(({ group }) => group))]
  const sections = groups.map((group) => {
    const rows = fields.filter((field) => field.group === group).map((field) => fieldRow(field, view))
    return `<section>\n<h2>${escapeXml(group)}</h2>\n<div class="fields">\n${rows.join('\n')}\n</div>\n</section>`
  })
  const token = agent.ram.web.formTokens?.[view.account] ?? ''
  const submit = fields.some(({ writable }) => writable)
    ? '<p class="submit"><button type="submit">Submit All Changes</button></p>'
    : '<p>Nothing on this page can be changed with this account.</p>'
  return `<form method="post" action="${formPath(view.account)}" autocomplete="off">
<input type="hidden" name="${TOKEN_FIELD}" value="${escapeXml(token)}">
<input type="hidden" name="${TAB_FIELD}" value="${escapeXml(tab)}">
${sections.join('\n')}
${submit}
</form>`
}

function fieldRow(field: Field, view: PageView): string {
  const { element, parameter } = field
  const id = fieldId(element)
  const error = view.errors?.get(element)
  const wrong = error === undefined ? '' : `<span class="error" id="${id}-error">${escapeXml(error)}</span>`
  const hint = settingNote(element) ?? parameter.description
  // The collected descriptions of many rows only repeat the name.
  const told = hint.endsWith(' setting') ? '' : `<span class="hint" id="${id}-hint">${escapeXml(hint)}</span>`
  const describedBy = [...(wrong === '' ? [] : [`${id}-error`]), ...(told === '' ? [] : [`${id}-hint`])].join(' ')
  // What a screen reader says of the field beside its label.
  const about = [
    ...(wrong === '' ? [] : [' aria-invalid="true"']),
    ...(describedBy === '' ? [] : [` aria-describedby="${describedBy}"`]),
  ].join('')
  const label = `<label for="${id}" title="${escapeXml(element)}">${escapeXml(webFieldName(element))}</label>`
  return `${label}<div>${control(field, about, view.typed?.get(element))}${wrong}${told}</div>`
}

function fieldId(element: string): string {
  return `f-${escapeXml(element)}`
}

/** `about`: further attributes of a control that takes input. */
function control(field: Field, about: string, typed: string | undefined): string {
  const { element, parameter, stored, writable } = field
  const [id, name] = [fieldId(element), escapeXml(element)]
  if (parameter.secret) return secretControl(field, about)
  const shown = withoutSecrets(typed ?? stored.value)
  if (!writable) return `<output id="${id}">${escapeXml(shown)}</output>`
  const choices = parameter.choices
  if (choices.length === 0 || parameter.type === 'ChoiceList') {
    return `<input type="text" id="${id}" name="${name}" value="${escapeXml(shown)}"${about}>`
  }
  const offered = choices.includes(shown) ? choices : [shown, ...choices]
  const options = offered.map((choice) => {
    const selected = choice === shown ? ' selected' : ''
    return `<option value="${escapeXml(choice)}"${selected}>${escapeXml(choice)}</option>`
  })
  return `<select id="${id}" name="${name}"${about}>${options.join('')}</select>`
}

/** A secret is written but never read: what was typed is not shown again either (MPP §14, Password). */
function secretControl({ element, stored, writable }: Field, about: string): string {
  const [id, name] = [fieldId(element), escapeXml(element)]
  const isSet = stored.value !== ''
  if (!writable) return `<output id="${id}">${isSet ? MASK : 'not set'}</output>`
  const placeholder = isSet ? 'set; empty leaves it unchanged' : 'not set'
  const input = `<input type="password" id="${id}" name="${name}" value="" placeholder="${placeholder}" autocomplete="new-password"${about}>`
  if (!isSet) return input
  const what = escapeXml(webFieldName(element))
  return `${input}<label class="hint"><input type="checkbox" name="${CLEAR_FIELD}" value="${name}"> remove ${what}</label>`
}

/** `Proxy_1_` -> `Proxy`, `Resync_At__HHmm_` -> `Resync At (HHmm)`: roughly the way back of MPP §1.2. */
export function webFieldName(element: string): string {
  return element
    .replace(/_([0-9]{1,2})_$/, '')
    .replace(/__(\w+)_$/, ' ($1)')
    .replace(/_+/g, ' ')
    .trim()
}
