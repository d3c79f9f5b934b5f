/** From the elements of extensions to SIP accounts, the other way round than `../lines.ts`. Source: MPP §13.4. */
import type { ProductName } from '../../../protocol/identity.ts'
import { modelInfo } from '../../../protocol/profile/mod.ts'
import type { LayerParameter } from '../types.ts'
import { EMPTY_EXTENSION, extensionOf } from '../lines.ts'
import type { LineProposal } from './types.ts'

/** The most that any model has; for a phone whose model is not known. */
const LINES_MAX = 16
const DOMAIN = /^[A-Za-z0-9.:[\]-]{1,255}$/
/** What a line sets on its extension; nothing of it can come from a shared layer. */
const OF_LINE = [
  'Line_Enable',
  'Proxy',
  'Outbound_Proxy',
  'Register',
  'Display_Name',
  'User_ID',
  'Password',
  'Auth_ID',
  'SIP_Transport',
]

export interface LinesAndRest {
  readonly lines: readonly LineProposal[]
  /** Without what the lines say themselves. */
  readonly rest: ReadonlyMap<string, LayerParameter>
  /** Elements of `rest` that only the layer of the device can set, since lines are stronger than shared layers. */
  readonly ofLines: ReadonlySet<string>
}

export function linesOf(kept: ReadonlyMap<string, LayerParameter>, model: ProductName | undefined): LinesAndRest {
  const count = (model === undefined ? undefined : modelInfo(model)?.lines) ?? LINES_MAX
  const rest = new Map(kept)
  const ofLines = new Set<string>()
  const lines: LineProposal[] = []
  for (let index = 1; index <= count; index += 1) {
    const read = (name: string): string => kept.get(`${name}_${index}_`)?.value ?? ''
    const line = lineAt(index, read)
    if (line !== undefined) lines.push(line)
    const said = line === undefined ? EMPTY_EXTENSION : extensionOf(line)
    for (const name of OF_LINE) {
      const element = `${name}_${index}_`
      const parameter = kept.get(element)
      if (parameter === undefined) continue
      const same = said[name] === parameter.value && parameter.ua === undefined && parameter.userPref === undefined
      if (same) rest.delete(element)
      else ofLines.add(element)
    }
  }
  return { lines, rest, ofLines }
}

/** A line, where the extension is in use and its values are such as a line can have. */
function lineAt(index: number, read: (name: string) => string): LineProposal | undefined {
  const userId = read('User_ID')
  const domain = read('Proxy')
  const transport = read('SIP_Transport')
  if (userId === '' || userId.length > 63 || !DOMAIN.test(domain) || /^no$/i.test(read('Line_Enable'))) return undefined
  if (transport !== '' && !isTransport(transport)) return undefined
  return {
    index,
    userId,
    password: read('Password') || undefined,
    displayName: read('Display_Name').slice(0, 128),
    domain,
    authId: read('Auth_ID') || undefined,
    outboundProxy: read('Outbound_Proxy') || undefined,
    transport: isTransport(transport) ? transport : undefined,
  }
}

function isTransport(text: string): text is 'UDP' | 'TCP' | 'TLS' | 'AUTO' {
  return text === 'UDP' || text === 'TCP' || text === 'TLS' || text === 'AUTO'
}
