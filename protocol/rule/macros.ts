/**
 * The macros of the phone as a table: every `$NAME` that a rule, a log text or a service URL may hold.
 * Source: MPP §3.1 (who may use which), §3.3 (the rows). Forms, checks and expansion read the same rows.
 */

/** What a macro's value looks like; it tells an author whether quotes belong around it (MPP §4.2). */
export type MacroValues = 'text' | 'integer' | 'load-version' | 'dotted-version' | 'any'

/** Where a macro has a value. Elsewhere the phone's lookup does not know it and the text stays (MPP §3.3). */
export type MacroScope =
  | 'everywhere'
  | 'option-arguments'
  | 'url-in-progress'
  | 'services'
  | 'user-agent'
  | 'short-name'
  | 'function-script'

export interface MacroRow {
  /** Without `$`. A trailing small `n` stands for a line number 1 to 99, as in `UIDn`. */
  readonly name: string
  readonly meaning: string
  readonly example: string
  readonly values: MacroValues
  readonly scope: MacroScope
  /** The value may never be shown, logged or put into a message. */
  readonly secret: boolean
  /** This name is another way to write that one; the lookup is asked for that one. */
  readonly aliasOf?: string
  readonly source: string
}

/** Longer runs of letters after a `$` are not names; this bounds the search for the longest known one. */
export const MACRO_NAME_CHARS_MAX = 16

const LETTERS = 'ABCDEFGHIJKLMNOP'.split('')
const SECRET_LETTERS = ['SA', 'SB', 'SC', 'SD']

function row(name: string, meaning: string, example: string, values: MacroValues, source: string): MacroRow {
  return { name, meaning, example, values, scope: 'everywhere', secret: false, source }
}

function scoped(scope: MacroScope, rows: readonly MacroRow[]): readonly MacroRow[] {
  return rows.map((one) => ({ ...one, scope }))
}

const IDENTITY: readonly MacroRow[] = [
  row('MA', 'MAC address, lower-case hex', '000e08aabbcc', 'text', 'MPP §3.3'),
  row('MAU', 'MAC address, upper-case hex', '000E08AABBCC', 'text', 'MPP §3.3'),
  row('MAC', 'MAC address, lower case with colons', '00:0e:08:aa:bb:cc', 'text', 'MPP §3.3'),
  row('PN', 'Product name', 'CP-8841-3PCC', 'text', 'MPP §3.3'),
  row('PSN', 'Product series number', '8851-3PCC', 'text', 'MPP §3.3, §16 #9'),
  row('SN', 'Serial number', 'FCH2305DMH0', 'text', 'MPP §3.3'),
  row('CCERT', 'Client certificate: Installed or Not Installed', 'Installed', 'text', 'MPP §3.3'),
  row('IP', 'Local address', '192.168.1.100', 'text', 'MPP §3.3'),
  row('EXTIP', 'External address, empty if unknown', '66.43.16.52', 'text', 'MPP §3.3'),
  row('SWVER', 'Firmware load', 'sip88xx.11-3-2MPP0001-609', 'load-version', 'MPP §3.3, §4.3'),
  row('HWVER', 'Hardware revision', '2.0.1', 'dotted-version', 'MPP §3.3, §4.3'),
]

const STATE: readonly MacroRow[] = [
  row('PRVST', 'Why this resync: -1 asked, 0 power-up, 1 periodic, 2 retry', '0', 'integer', 'MPP §3.3, §5.3'),
  row('UPGST', 'Upgrade state: 1 first attempt, 2 retry', '1', 'integer', 'MPP §3.3'),
  row('UPGERR', 'Result text of the previous upgrade attempt', 'http_get failed', 'text', 'MPP §3.3'),
  row('PRVTMR', 'Seconds since the last resync attempt', '600', 'integer', 'MPP §3.3, §5.5'),
  row('UPGTMR', 'Seconds since the last upgrade attempt', '600', 'integer', 'MPP §3.3'),
  row('REGTMR1', 'Seconds since line 1 lost registration, 0 while registered', '0', 'integer', 'MPP §3.3'),
  row('REGTMR2', 'Seconds since line 2 lost registration, 0 while registered', '0', 'integer', 'MPP §3.3'),
  row('UPGCOND', 'Old name without meaning; empty', '', 'text', 'MPP §3.3 (inferred)'),
  row('UIDn', 'User_ID of line n', '1001', 'text', 'MPP §3.3'),
  row('DISPLAYNAMEn', 'Display_Name of line n', 'Front desk', 'text', 'MPP §3.3'),
  row('AUTHIDn', 'Auth_ID of line n', '1001', 'text', 'MPP §3.3'),
  row('ISCUST', '1 when the phone is customised, else 0', '1', 'integer', 'MPP §3.3'),
  row('EMS', 'Extension mobility status', 'mobile', 'text', 'MPP §3.3 (uncertain)'),
  row('MUID', 'User id signed in by extension mobility', '1001', 'text', 'MPP §3.3'),
  { ...row('MPWD', 'Password signed in by extension mobility', '', 'text', 'MPP §3.3'), secret: true },
  row('ORIGTYPE', 'Where the phone came from: orig_ent, orig_mpp, none', 'orig_mpp', 'text', 'MPP §3.3, §9.2'),
  row('AUTHSTATUS', 'Migration licence: classic, wxc, none', 'none', 'text', 'MPP §3.3, §9.2'),
]

const URL_IN_PROGRESS: readonly MacroRow[] = scoped('url-in-progress', [
  row('SCHEME', 'Scheme of the URL in progress', 'tftp', 'text', 'MPP §3.3'),
  { ...row('METH', 'Old name of SCHEME', 'tftp', 'text', 'MPP §3.3'), aliasOf: 'SCHEME' },
  row('SERV', 'Host name of the URL in progress', 'prov.example.com', 'text', 'MPP §3.3'),
  row('SERVIP', 'Resolved address of the URL in progress', '192.168.150.20', 'text', 'MPP §3.3'),
  row('PORT', 'Port of the URL in progress', '69', 'integer', 'MPP §3.3'),
  row('PATH', 'Path of the URL in progress', '/8851-3PCC.xml', 'text', 'MPP §3.3'),
  row('ERR', 'Result text of the attempt', 'Download failed', 'text', 'MPP §3.3, §12.1'),
])

const ELSEWHERE: readonly MacroRow[] = [
  ...scoped('services', [
    row('INCOMINGNAME', "First call's name", 'Alice', 'text', 'MPP §3.3'),
    row('REMOTENUMBER', "First call's number", '1002', 'text', 'MPP §3.3'),
  ]),
  ...scoped('user-agent', [
    row('VERSION', 'Software identity in user agent names', 'Cisco-CP-8865-3PCC/12.0.2', 'text', 'MPP §3.3'),
  ]),
  ...scoped('short-name', [row('USER', 'User of the line, in Short_Name only', '1001', 'text', 'MPP §3.3')]),
  ...scoped('function-script', [
    row('PROXY', 'Proxy of the line, in function scripts only', 'sip.example.com', 'text', 'MPP §3.3'),
  ]),
]

function generalPurpose(letter: string): readonly MacroRow[] {
  const plain = row(letter, `General purpose parameter GPP_${letter}`, '', 'any', 'MPP §3.3')
  return [plain, { ...plain, name: `GPP_${letter}`, aliasOf: letter, source: 'MPP §3.1 (uncertain)' }]
}

function specialPurpose(name: string): readonly MacroRow[] {
  const [plain] = scoped('option-arguments', [
    { ...row(name, `Special purpose parameter GPP_${name}`, '', 'any', 'MPP §3.1, §3.3'), secret: true },
  ])
  if (plain === undefined) return []
  return [plain, { ...plain, name: `GPP_${name}`, aliasOf: name, source: 'MPP §3.1 (inferred)' }]
}

/** Every macro that a phone knows. `$$` is grammar, not a row with a value; it stands here for forms. */
export const MACROS: readonly MacroRow[] = [
  row('$', 'A literal dollar sign', '$', 'text', 'MPP §3.1'),
  ...LETTERS.flatMap(generalPurpose),
  ...SECRET_LETTERS.flatMap(specialPurpose),
  ...IDENTITY,
  ...STATE,
  ...URL_IN_PROGRESS,
  ...ELSEWHERE,
]

const BY_NAME: ReadonlyMap<string, MacroRow> = new Map(MACROS.map((one) => [one.name, one]))

/**
 * @param name without `$`, exact, e.g. `MAU` or `UID3`
 * @returns its row (`UIDn` for `UID3`), or undefined for a name that the phone does not know.
 */
export function findMacro(name: string): MacroRow | undefined {
  const numbered = /^(UID|DISPLAYNAME|AUTHID)[1-9][0-9]?$/.exec(name)
  if (numbered !== null) return BY_NAME.get(`${numbered[1]}n`)
  return /^[A-Z][A-Z0-9_]*$/.test(name) ? BY_NAME.get(name) : undefined
}
