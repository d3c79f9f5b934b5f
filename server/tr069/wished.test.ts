import { describe, expect, it } from 'vitest'
import type { ResolvedParameter, ResolvedProfile } from '../profiles/mod.ts'
import { textHash } from './identity.ts'
import { CONTEXT } from './testing-device.ts'
import type { KnownParameter } from './types.ts'
import { intervalOf, sameValue, wishedOf, type WishedInput } from './wished.ts'

const LINE = 'Device.Services.VoiceService.1.VoiceProfile.1.Line.'
const PASSWORD = 'Device.ManagementServer.ConnectionRequestPassword'
const RULE = '($SWVER lt 12-0-2MPP0001-116)? https://a.example/sip88xx.12-0-2MPP0001-116.loads'

function profileOf(values: Readonly<Record<string, string>>): ResolvedProfile {
  const rows = Object.entries(values).map(([element, value]): [string, ResolvedParameter] => [
    element,
    {
      value,
      ua: undefined,
      preserve: false,
      userPref: undefined,
      secret: false,
      origin: { kind: 'platform', id: '' } as unknown as ResolvedParameter['origin'],
      overrode: [],
    },
  ])
  return new Map(rows)
}

function treeOf(rows: Readonly<Record<string, Partial<KnownParameter>>>): ReadonlyMap<string, KnownParameter> {
  return new Map(Object.entries(rows).map(([path, row]) => [path, { path, writable: true, ...row }]))
}

const INTERVAL = 'Device.ManagementServer.PeriodicInformInterval'
const TREE = {
  'Device.ManagementServer.PeriodicInformEnable': { type: 'boolean', value: '1' },
  [INTERVAL]: { type: 'unsignedInt', value: '3600' },
  'Device.ManagementServer.ConnectionRequestUsername': { value: 'cr' },
  [PASSWORD]: { sentMac: CONTEXT.macOf(PASSWORD, 'pw') },
  'Device.X_CISCO_HostName': { type: 'string', value: 'old' },
} as const

function wished(more: Partial<WishedInput> & { readonly values?: Readonly<Record<string, string>> } = {}) {
  const { values = { Host_Name: 'new' }, ...rest } = more
  return wishedOf({
    ledBy: 'tr069',
    profile: profileOf(values),
    lineCount: 4,
    linesWished: 1,
    tree: treeOf(TREE),
    state: { root: 'Device.', refused: {}, configVersion: undefined, caVersion: undefined, informSeconds: 3600 },
    secretsMayGo: true,
    connectionRequest: { username: 'cr', password: 'pw' },
    informSeconds: 3600,
    macOf: CONTEXT.macOf,
    hashOf: textHash,
    configUrl: 'https://a.example/cisco-init',
    customCa: undefined,
    ...rest,
  })
}

const STATE = {
  root: 'Device.',
  refused: {},
  configVersion: undefined,
  caVersion: undefined,
  informSeconds: 3600,
} as const

describe('what is wished of a device', () => {
  it('led by TR-069 is its profile as far as the tree has a place for it, without a file [TR-069 §10]', () => {
    expect(wished()).toEqual({
      values: [{ path: 'Device.X_CISCO_HostName', value: 'new', type: 'string', secret: false }],
      attributes: [],
      objects: [],
      files: [],
    })
  })

  it.each(['profile', 'both'] as const)('led by %s is only what the ACS keeps in its own hands', (ledBy) => {
    const tree = treeOf({ ...TREE, [INTERVAL]: { type: 'unsignedInt', value: '20' } })
    const { values, objects, files } = wished({ ledBy, tree, linesWished: 3, values: { Host_Name: 'new', GPP_A: 'x' } })
    expect([values.map(({ path }) => path), objects, files]).toEqual([[INTERVAL], [], []])
  })

  it('leaves out what is read-only, what was refused, and asks again for another value [TR-069 §7]', () => {
    const path = 'Device.X_CISCO_HostName'
    const mac = CONTEXT.macOf(path, 'new')
    const state = { ...STATE, refused: { [path]: { mac, code: 9007, text: '', at: '' } } }
    expect(wished({ state }).values).toEqual([])
    expect(wished({ state, values: { Host_Name: 'other' } }).values).toHaveLength(1)
    expect(wished({ tree: treeOf({ ...TREE, [path]: { writable: false, value: 'old' } }) }).values).toEqual([])
  })

  it('holds a secret only where secrets may go, and only when it changed', () => {
    const connectionRequest = { username: 'cr', password: 'other' }
    expect(wished({ values: {}, connectionRequest }).values).toMatchObject([{ path: PASSWORD, secret: true }])
    expect(wished({ values: {}, connectionRequest, secretsMayGo: false }).values).toEqual([])
    expect(wished({ values: {} }).values).toEqual([])
  })

  it('has the status of its lines told, unless the device refuses that [TR-069 §7]', () => {
    const path = `${LINE}1.Status`
    const tree = treeOf({ ...TREE, [path]: { writable: false, value: 'Up' } })
    expect(wished({ tree }).attributes).toEqual([{ path, notification: 1 }])
    const key = `notification:${path}`
    const refused = { [key]: { mac: CONTEXT.macOf(key, '1'), code: 9009, text: '', at: '' } }
    expect(wished({ tree, state: { ...STATE, refused } }).attributes).toEqual([])
  })
})

describe('lines', () => {
  const lines = (count: number) =>
    treeOf({
      ...TREE,
      [LINE]: {},
      ...Object.fromEntries(Array.from({ length: count }, (_, index) => [`${LINE}${index + 1}.`, {}])),
    })

  it.each([
    [1, 3, ['add-object', 'add-object'], LINE],
    [3, 3, [], undefined],
    [12, 11, ['delete-object'], `${LINE}12.`],
    [2, 0, ['delete-object'], `${LINE}2.`],
  ])('are %i and become %i [TR-069 §7 AddObject]', (count, linesWished, kinds, path) => {
    const { objects } = wished({ tree: lines(count), linesWished })
    expect([objects.map(({ kind }) => kind), objects[0]?.path]).toEqual([kinds, path])
  })

  it('are asked for again only when another number is wished', () => {
    const key = `add-object:${LINE}`
    const state = { ...STATE, refused: { [key]: { mac: CONTEXT.macOf(key, '3'), code: 9004, text: '', at: '' } } }
    expect(wished({ tree: lines(1), linesWished: 3, state }).objects).toEqual([])
    expect(wished({ tree: lines(1), linesWished: 2, state }).objects).toHaveLength(1)
  })
})

describe('files', () => {
  const values = { Host_Name: 'new', GPP_A: 'x' }

  it('are wished when they changed, and then no value is written one by one [TR-069 §7 Download]', () => {
    const first = wished({ values })
    expect(first.files).toMatchObject([{ file: 'configuration' }])
    expect(first.values).toEqual([])
    const state = { ...STATE, configVersion: first.files[0]?.version }
    expect(wished({ values, state }).files).toEqual([])
    expect(wished({ values: { ...values, GPP_A: 'y' }, state }).files).toHaveLength(1)
  })

  it('go only where secrets may go, and a custom CA only when it changed', () => {
    const customCa = { url: 'https://a.example/ca', pem: 'PEM' }
    expect(wished({ customCa }).files).toMatchObject([{ file: 'custom-ca', version: textHash('PEM') }])
    expect(wished({ customCa, state: { ...STATE, caVersion: textHash('PEM') } }).files).toEqual([])
    expect(wished({ customCa, values, secretsMayGo: false }).files).toEqual([])
  })

  it('that the device refused are not wished again, and their values are written one by one', () => {
    const version = wished({ values }).files[0]?.version ?? ''
    const refused = { 'file:configuration': { mac: version, code: 9018, text: '', at: '' } }
    const { files, values: written } = wished({ values, state: { ...STATE, refused } })
    expect([files, written.length]).toEqual([[], 1])
  })
})

describe('a load', () => {
  const firmware = (software: string | undefined, more: Partial<WishedInput> = {}, rule = RULE) =>
    wished({
      values: { Upgrade_Rule: rule },
      state: { ...STATE, software },
      macros: (name) => (name === 'SWVER' ? software : undefined),
      ...more,
    }).files.filter(({ file }) => file === 'firmware')

  it('is wished where the upgrade rule selects one for what the device runs [MPP §6]', () => {
    const url = 'https://a.example/sip88xx.12-0-2MPP0001-116.loads'
    expect(firmware('sip88xx.11-3-2MPP0001-609')).toMatchObject([{ url, version: url }])
    expect(firmware('sip88xx.12-0-2MPP0001-116')).toEqual([])
    expect(firmware(undefined)).toEqual([])
    expect(firmware('sip88xx.12-0-2MPP0001-116', {}, RULE.replace(/^.*\? /, ''))).toEqual([])
    expect(firmware('sip88xx.11-3-2MPP0001-609', { secretsMayGo: false })).toEqual([])
    expect(firmware('sip88xx.11-3-2MPP0001-609', { ledBy: 'both' })).toEqual([])
  })

  it.each([
    ['options', 'https:', '[--uid load --pwd made-up] https:'],
    ['URL', 'https://', 'https://load:made-up@'],
  ])(
    'is not wished by a rule with an account in its %s, which is no rule on a phone either [TR-069 §7 Download]',
    (_, from, to) => {
      expect(firmware('sip88xx.11-3-2MPP0001-609')).toHaveLength(1)
      expect(firmware('sip88xx.11-3-2MPP0001-609', {}, RULE.replace(from, to))).toEqual([])
    },
  )

  it('is left to the rule itself where the tree has a place for it', () => {
    const tree = treeOf({ ...TREE, 'Device.X_CISCO_UpgradeRule': { value: '' } })
    expect(firmware('sip88xx.11-3-2MPP0001-609', { tree })).toEqual([])
    const readOnly = treeOf({ ...TREE, 'Device.X_CISCO_UpgradeRule': { value: '', writable: false } })
    expect(firmware('sip88xx.11-3-2MPP0001-609', { tree: readOnly })).toHaveLength(1)
  })

  it('is not wished again once the device refused it', () => {
    const version = firmware('sip88xx.11-3-2MPP0001-609')[0]?.version ?? ''
    const software = 'sip88xx.11-3-2MPP0001-609'
    const refused = { 'file:firmware': { mac: version, code: 9018, text: '', at: '' } }
    expect(firmware(software, { state: { ...STATE, software, refused } })).toEqual([])
  })
})

describe('values', () => {
  it.each([
    ['1', 'true', 'boolean', true],
    ['x', 'false', 'boolean', false],
    ['007', '7', 'int', true],
    ['0', '', 'int', false],
    ['9007199254740993', '9007199254740992', 'long', false],
    ['1', 'true', 'string', false],
    [undefined, '', 'string', false],
  ] as const)('"%s" and "%s" of type %s are the same: %s [TR-069 §3.5]', (known, value, type, expected) => {
    expect(sameValue(known, value, type)).toBe(expected)
  })

  it.each([
    ['3600', 3600, 3600],
    ['3000', 3600, 3000],
    ['2600', 3600, 3600],
    ['20', 3600, 3600],
    [undefined, 3600, 3600],
  ])('an interval of %s where %i s suit the fleet becomes %i', (known, informSeconds, expected) => {
    expect(intervalOf({ profile: undefined, informSeconds }, known)).toBe(expected)
    expect(intervalOf({ profile: profileOf({ Periodic_Inform_Interval: '60' }), informSeconds }, known)).toBe(60)
  })
})
