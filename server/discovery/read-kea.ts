import { utf8Bytes } from '../../protocol/bytes.ts'
import { BROADBAND_FORUM_ENTERPRISE } from '../../protocol/dhcp/mod.ts'
import { err, ok } from '../../protocol/result.ts'
import type { Result } from '../../protocol/result.ts'
import { DEPTH_MAX, FOUND_MAX, problemAt } from './found.ts'
import type { Audience, Found, FoundOption, FoundSubOption, Unreadable } from './found.ts'
import { classAudiences, constantsIn, membersIn } from './kea-audience.ts'
import type { ClassAudience } from './kea-audience.ts'
import { field, flagField, items, nodeOfJson, numberField, readLooseJson, textField } from './loose-json.ts'
import type { Node } from './loose-json.ts'
import { addressBytes, looseHex } from './scan.ts'
import type { DiscoveryProblem, KeaConfig } from './types.ts'

interface Definition {
  readonly code: number
  readonly type: string
  readonly encapsulate: string | undefined
}

interface Reader {
  readonly family: 4 | 6
  readonly audience: ClassAudience
  readonly options: FoundOption[]
  readonly subOptions: FoundSubOption[]
  readonly problems: DiscoveryProblem[]
  /** How a place is told: by its line in a file, else by its path. */
  readonly by: 'line' | 'path'
}

/** Kea's own definitions, as far as we look at them. */
const STANDARD: Readonly<Record<4 | 6, Readonly<Record<string, Definition>>>> = {
  4: {
    'vendor-encapsulated-options': { code: 43, type: 'empty', encapsulate: 'vendor-encapsulated-options-space' },
    'tftp-server-name': { code: 66, type: 'string', encapsulate: undefined },
    'vivso-suboptions': { code: 125, type: 'vendor', encapsulate: undefined },
    'v4-portparams': { code: 159, type: 'record', encapsulate: undefined },
  },
  6: { 'vendor-opts': { code: 17, type: 'vendor', encapsulate: undefined } },
}

/** Blocks that hold options, or blocks that do. */
const BLOCKS: readonly string[] = [
  'shared-networks',
  'subnet4',
  'subnet6',
  'pools',
  'pd-pools',
  'reservations',
  'client-classes',
]

/** Reads a configuration of kea-dhcp4 or kea-dhcp6, as a file or as the whole text that `config-get` answers. */
export function readKea(text: string): Result<Found, Unreadable> {
  const json = readLooseJson(text)
  return json.ok ? readBodies(json.value, 'line') : json
}

/** Reads what `config-get` answered as a value: each thing has a path, and lines only say what comes first. */
export function readKeaConfig(config: KeaConfig): Result<Found, Unreadable> {
  const json = nodeOfJson(config)
  return json.ok ? readBodies(json.value, 'path') : json
}

function readBodies(root: Node, by: Reader['by']): Result<Found, Unreadable> {
  const found: Found[] = []
  // The control agent answers with a list: one for each daemon that was asked.
  for (const answer of root.kind === 'array' ? root.items : [root]) {
    for (const family of [4, 6] as const) {
      const body = field(answer, `Dhcp${family}`) ?? field(field(answer, 'arguments'), `Dhcp${family}`)
      if (body?.kind === 'object') found.push(readBody(body, family, by))
    }
  }
  if (found.length === 0) return err({ line: root.line, message: 'expected "Dhcp4" or "Dhcp6" in it' })
  return ok({
    options: found.flatMap((one) => one.options),
    subOptions: found.flatMap((one) => one.subOptions),
    classes: found.flatMap((one) => one.classes),
    problems: found.flatMap((one) => one.problems),
  })
}

function readBody(body: Node, family: 4 | 6, by: Reader['by']): Found {
  const classes = field(body, 'client-classes')
  const reader: Reader = { family, audience: classAudiences(classes), options: [], subOptions: [], problems: [], by }
  walk(reader, body, '', 'everyone', [], 0)
  readHooks(reader, body)
  const names = items(classes).flatMap((node, index) => {
    const name = textField(node, 'name')
    const path = pathOf(reader, `/client-classes[${index}]`)
    return name === undefined ? [] : [{ name, line: node.line, path }]
  })
  return { options: reader.options, subOptions: reader.subOptions, classes: names, problems: reader.problems }
}

/** @param scope  blocks from the daemon's own on, each behind a slash */
function pathOf({ family, by }: Reader, scope: string): string | undefined {
  return by === 'line' ? undefined : `Dhcp${family}${scope.replaceAll('/', '.')}`
}

function walk(
  reader: Reader,
  node: Node,
  scope: string,
  audience: Audience,
  defs: readonly Node[],
  depth: number,
): void {
  if (depth > DEPTH_MAX || reader.options.length > FOUND_MAX) return
  const definitions = [...items(field(node, 'option-def')), ...defs]
  for (const [index, row] of items(field(node, 'option-data')).entries()) {
    const at = { scope, path: pathOf(reader, `${scope}/option-data[${index}]`) }
    // Since Kea 2.7.5 a single option may be for members of a class.
    readOption(reader, row, at, narrowed(reader, row, audience), definitions)
  }
  for (const key of BLOCKS) {
    for (const [index, block] of items(field(node, key)).entries()) {
      walk(
        reader,
        block,
        `${scope}/${key}[${index}]`,
        blockAudience(reader, key, block, audience),
        definitions,
        depth + 1,
      )
    }
  }
}

/** A reservation for a device that is not called as phones call themselves is for something else. */
function blockAudience(reader: Reader, key: string, block: Node, outer: Audience): Audience {
  if (key === 'client-classes') return reader.audience(textField(block, 'name') ?? '')
  if (key === 'reservations') {
    const name = textField(block, 'hostname') ?? ''
    return name === '' || /^SEP/i.test(name) ? 'phones' : 'others'
  }
  return narrowed(reader, block, outer)
}

/** The classes that a block or an option is for: with none, it is for whomever the block around it is for. */
function narrowed(reader: Reader, block: Node, outer: Audience): Audience {
  const listed = items(field(block, 'client-classes')).flatMap((node) =>
    node.kind === 'value' && typeof node.value === 'string' ? [node.value] : [],
  )
  const named = textField(block, 'client-class')
  const classes = named === undefined || named === '' ? listed : [named, ...listed]
  if (classes.length === 0 || outer === 'others') return outer
  return classes.some((name) => reader.audience(name) !== 'others') ? 'phones' : 'others'
}

function readOption(
  reader: Reader,
  row: Node,
  at: Pick<FoundOption, 'scope' | 'path'>,
  audience: Audience,
  defs: readonly Node[],
): void {
  const { family } = reader
  const space = textField(row, 'space') ?? `dhcp${family}`
  const definition = definitionOf(row, space, family, defs)
  const code = numberField(row, 'code') ?? definition?.code
  if (code === undefined) return
  const data = textField(row, 'data') ?? ''
  const csv = flagField(row, 'csv-format')
  const bytes = dataBytes(data, csv, definition)
  const option: FoundOption = { family, code, line: row.line, bytes, audience, ...at }
  const within = space === `dhcp${family}` ? undefined : outerOption(space, family, defs)
  if (within !== undefined) reader.subOptions.push({ ...option, within })
  if (space !== `dhcp${family}`) return
  reader.options.push(option)
  if (family === 4 && code === 159) checkPortParameters(reader, row, option, data)
  if (family === 4 && code === 43 && data !== '' && definition?.type === 'empty') {
    reader.problems.push(
      problemAt(
        option,
        'kea-43-empty',
        'Option 43 has data here, but Kea sends it empty: its own definition takes none',
        'add an option-def of option 43 with type "binary" to the class that holds the data',
      ),
    )
  }
}

/** Any URL here is refused by Kea, or cut to four bytes; a definition of our own is not allowed. */
function checkPortParameters(reader: Reader, row: Node, option: FoundOption, data: string): void {
  if (flagField(row, 'csv-format') !== false && /^\s*\d+\s*,\s*\d+\s*\/\s*\d+\s*$/.test(data)) return
  reader.problems.push(
    problemAt(
      option,
      'kea-159-type',
      'Option 159 cannot be sent so: Kea defines it as port parameters, and sends at most four bytes of it',
      'send it by the hook library libdhcp_flex_option.so, as writeDhcp does, or use option 160',
    ),
  )
}

function definitionOf(row: Node, space: string, family: 4 | 6, defs: readonly Node[]): Definition | undefined {
  const code = numberField(row, 'code')
  const name = textField(row, 'name')
  const own = defs.find(
    (def) =>
      (textField(def, 'space') ?? `dhcp${family}`) === space &&
      (code === undefined ? textField(def, 'name') === name : numberField(def, 'code') === code),
  )
  if (own !== undefined) {
    return {
      code: numberField(own, 'code') ?? 0,
      type: textField(own, 'type') ?? 'string',
      encapsulate: textField(own, 'encapsulate'),
    }
  }
  if (space !== `dhcp${family}`) return undefined
  const standard = STANDARD[family]
  if (code === undefined) return name !== undefined && Object.hasOwn(standard, name) ? standard[name] : undefined
  return Object.values(standard).find((def) => def.code === code)
}

/** @returns the option that options of a space go into. */
function outerOption(space: string, family: 4 | 6, defs: readonly Node[]): number | undefined {
  if (family === 4 && space === 'vendor-encapsulated-options-space') return 43
  if (space === `vendor-${BROADBAND_FORUM_ENTERPRISE}`) return family === 4 ? 125 : 17
  const outer = defs.find((def) => textField(def, 'encapsulate') === space)
  return numberField(outer, 'code')
}

function dataBytes(data: string, csv: boolean | undefined, definition: Definition | undefined): Uint8Array | undefined {
  const type = definition?.type
  // Without a definition Kea reads hex.
  if (csv === false || (csv === undefined && type === undefined) || type === 'binary' || type === 'empty') {
    const quoted = /^\s*'(.*)'\s*$/.exec(data)?.[1]
    return quoted === undefined ? looseHex(data) : utf8Bytes(quoted)
  }
  if (type === 'string') return utf8Bytes(data)
  if (type === 'ipv4-address') return addressBytes(data.split(',').map((part) => part.trim()))
  if (type === 'fqdn') return utf8Bytes(data)
  return undefined
}

/** The hook for flexible options: what it adds goes out as it is. */
function readHooks(reader: Reader, body: Node): void {
  for (const [index, hook] of items(field(body, 'hooks-libraries')).entries()) {
    if (!(textField(hook, 'library') ?? '').includes('flex_option')) continue
    for (const [at, row] of items(field(field(hook, 'parameters'), 'options')).entries()) {
      const code = numberField(row, 'code') ?? STANDARD[reader.family][textField(row, 'name') ?? '']?.code
      const expression = textField(row, 'supersede') ?? textField(row, 'add')
      if (code === undefined || expression === undefined || reader.options.length > FOUND_MAX) continue
      reader.options.push({
        family: reader.family,
        code,
        line: row.line,
        bytes: expressionBytes(expression),
        scope: `/hooks-libraries[${index}]`,
        path: pathOf(reader, `/hooks-libraries[${index}]/parameters/options[${at}]`),
        audience: hookAudience(reader, expression),
      })
    }
  }
}

function hookAudience(reader: Reader, expression: string): Audience {
  const members = membersIn(expression)
  if (members.length > 0) return members.some((name) => reader.audience(name) === 'phones') ? 'phones' : 'others'
  return /ifelse/.test(expression) ? 'phones' : 'everyone'
}

/** The longest constant is what is sent; the others are what it depends on, or nothing. */
function expressionBytes(expression: string): Uint8Array | undefined {
  const [longest] = constantsIn(expression).toSorted((a, b) => b.text.length - a.text.length)
  if (longest === undefined) return undefined
  return longest.hex === undefined ? utf8Bytes(longest.text) : looseHex(longest.hex)
}
