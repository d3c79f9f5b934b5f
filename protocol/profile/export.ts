import type { ProductName } from '../identity.ts'
import { commentText, escapeXml } from '../xml/mod.ts'
import { type CatalogueElement, catalogue, defaultValueOf } from './catalogue.ts'
import { type ParameterStore, type StoredParameter, storedParameter } from './store.ts'

/**
 * The phone's `cfg.xml` (MPP §1.8): sections as comments, an element a line with its access, the choices after it,
 * secrets only named in a comment; `GPP_SA` to `GPP_SD` and `IKM_HTTP_Encrypt_Content` are absent.
 * Applying the export to the store that it came from changes no value and no access under the default policy.
 * @param account the user account gets only what it may see: `ua` ro and rw (MPP §7.1)
 */
export function exportProfile(
  store: ParameterStore,
  product: ProductName,
  account: 'admin' | 'user' = 'admin',
): string {
  const lines = ['<flat-profile>']
  let title = ''
  for (const item of catalogue.allFor(product)) {
    if (item.parameter.settableBy === 'profile-only') continue
    const stored = storedParameter(store, item.element)
    if (account === 'user' && stored.ua === 'na') continue
    const itemTitle = sectionTitle(item)
    if (itemTitle !== title) lines.push(`<!-- ${commentText(itemTitle)} -->`)
    title = itemTitle
    lines.push(...elementLines(item, stored))
  }
  return `${lines.join('\n')}\n</flat-profile>\n`
}

function sectionTitle({ parameter, index }: CatalogueElement): string {
  const [tab = '', section = tab] = parameter.section.split(' / ')
  const title = tab === 'Ext n' ? `${tab} ${section}` : section
  return index === 0 || parameter.indexKind === 'range' ? title : title.replace(/ n\b/, ` ${index}`)
}

function elementLines({ element, parameter }: CatalogueElement, stored: StoredParameter): readonly string[] {
  const open = `<${element} ua="${stored.ua}"`
  if (parameter.secret) return [`<!-- ${commentText(`${open}/>`)} -->`]
  const userPref = stored.userPref ? ' user-pref="y"' : ''
  const modified = stored.userModified ? ' um="y"' : ''
  const start = `${open}${userPref}${modified}`
  const value = stored.value === '' && defaultValueOf(element, parameter) !== '' ? '""' : escapeXml(stored.value)
  const line = value === '' ? `${start}/>` : `${start}>${value}</${element}>`
  const hasOptions = parameter.type === 'Choice' && parameter.choices.length > 0
  return hasOptions ? [line, `<!-- available options: ${commentText(parameter.choices.join('|'))} -->`] : [line]
}
