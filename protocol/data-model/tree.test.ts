import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { catalogue, MODELS } from '../profile/mod.ts'
import { elementsOf, LINES_MAX, type ModelShape, modelTree, pathsOf, readValue, typeOf, writeValue } from './mod.ts'
import { SECTIONS } from './place.ts'

const SHAPES: readonly ModelShape[] = [
  { lines: 0, voiceProfiles: 'profile-per-line' },
  { lines: 1, voiceProfiles: 'lines-in-one-profile' },
  { lines: 4, voiceProfiles: 'profile-per-line' },
  { lines: 4, voiceProfiles: 'lines-in-one-profile' },
  { lines: LINES_MAX, voiceProfiles: 'profile-per-line' },
  { lines: LINES_MAX, voiceProfiles: 'lines-in-one-profile' },
]
const VOICE = 'Device.Services.VoiceService.1.'
const parentOf = (path: string) => path.replace(/[^.]+\.?$/, '')

describe.each(SHAPES)('a tree of $lines lines, $voiceProfiles', (shape) => {
  const tree = modelTree(shape)

  test('has each path once, and finds it', () => {
    expect(new Set(tree.nodes.map((node) => node.path)).size).toBe(tree.nodes.length)
    for (const node of tree.nodes) expect(tree.find(node.path)).toBe(node)
  })

  test('has every parent before its children, all under one root', () => {
    const seen = new Set([''])
    for (const { path } of tree.nodes) {
      if (!seen.has(parentOf(path))) expect.unreachable(path)
      seen.add(path)
    }
    expect(tree.children('').map((node) => node.path)).toEqual(['Device.'])
  })

  test('gives the same below a path as the paths that begin with it, in the same order', () => {
    for (const { path, type } of tree.nodes.filter((_, at) => at % 7 === 0 || at < 200)) {
      const expected = tree.nodes.filter(
        (node) => node.path === path || (type === 'object' && node.path.startsWith(path)),
      )
      expect(tree.below(path)).toEqual(expected)
      expect(tree.children(path)).toEqual(expected.filter((node) => parentOf(node.path) === path))
    }
    expect(tree.below('')).toEqual(tree.nodes)
  })

  test('says the types that typeOf says, and marks objects by their dot', () => {
    for (const { path, type } of tree.nodes) {
      expect(typeOf(path)).toBe(type)
      expect(path.endsWith('.')).toBe(type === 'object')
    }
  })

  test('finds for an element the paths that read it, and no others', () => {
    const expected = new Map<string, string[]>()
    for (const { path } of tree.nodes) {
      for (const element of elementsOf(path)) expected.set(element, [...(expected.get(element) ?? []), path])
    }
    expect(expected.size).toBeGreaterThan(200)
    for (const [element, paths] of expected) expect(pathsOf(element, shape)).toEqual(paths)
  })
})

test('lays lines out as the shape says [TR-069 §10 rule 4]', () => {
  const own = { lines: 3, voiceProfiles: 'profile-per-line' } as const
  const one = { lines: 3, voiceProfiles: 'lines-in-one-profile' } as const
  expect(modelTree(own).children(`${VOICE}VoiceProfile.`)).toHaveLength(3)
  expect(modelTree(own).children(`${VOICE}VoiceProfile.2.Line.`)).toHaveLength(1)
  expect(modelTree(one).children(`${VOICE}VoiceProfile.`)).toHaveLength(1)
  expect(modelTree(one).children(`${VOICE}VoiceProfile.1.Line.`)).toHaveLength(3)
  expect(pathsOf('Proxy_2_', own)).toEqual([
    `${VOICE}VoiceProfile.2.SIP.ProxyServer`,
    `${VOICE}VoiceProfile.2.SIP.ProxyServerPort`,
  ])
  expect(pathsOf('Proxy_2_', one)).toEqual([])
  expect(pathsOf('User_ID_3_', one)).toEqual([
    `${VOICE}VoiceProfile.1.Line.3.DirectoryNumber`,
    `${VOICE}VoiceProfile.1.Line.3.SIP.AuthUserName`,
  ])
  expect(pathsOf('User_ID_4_', one)).toEqual([])
  expect(pathsOf('Nothing', one)).toEqual([])
})

test('gives equal shapes the same tree while it is kept', () => {
  expect(modelTree({ lines: 2, voiceProfiles: 'profile-per-line' })).toBe(
    modelTree({ lines: 2, voiceProfiles: 'profile-per-line' }),
  )
})

test.each([Number.NaN, -1, 2.5, Number.POSITIVE_INFINITY, 1e9])(
  'makes a tree of a phone that exists of %d lines',
  (lines) => {
    const profiles = modelTree({ lines, voiceProfiles: 'profile-per-line' }).children(`${VOICE}VoiceProfile.`)
    expect(profiles.length).toBeLessThanOrEqual(Math.max(...MODELS.map((model) => model.lines)))
  },
)

test('marks the passwords of the catalogue as secret [TR-069 §10.2]', () => {
  const { nodes } = modelTree({ lines: 1, voiceProfiles: 'profile-per-line' })
  expect(nodes.filter((node) => node.secret).map((node) => node.path)).toEqual([
    'Device.ManagementServer.Password',
    'Device.ManagementServer.ConnectionRequestPassword',
    'Device.X_CISCO_XmlService.Password',
    `${VOICE}VoiceProfile.1.Line.1.SIP.AuthPassword`,
    `${VOICE}X_CISCO_PhoneSetting.LDAP.Password`,
  ])
})

test('names only elements that the catalogue of the profile has, and no place twice', () => {
  const names = SECTIONS.flatMap(({ path, rows }) => [path, ...rows.map((row) => `${path}${row[0]}`)])
  expect(new Set(names).size).toBe(names.length)
  for (const { rows } of SECTIONS) {
    for (const [name, , , elements = ''] of rows.filter((row) => (row[3] ?? '') !== '')) {
      for (const element of elements.split(' ')) {
        expect(catalogue.findPattern(element) ?? catalogue.find(element), `${name}: ${element}`).toBeDefined()
      }
    }
  }
})

test('has an element for every path of the tree whose row names one', () => {
  const { nodes } = modelTree({ lines: LINES_MAX, voiceProfiles: 'profile-per-line' })
  const mapped = nodes.filter((node) => elementsOf(node.path).length > 0).map((node) => node.path)
  const found = new Set(mapped.map((path) => path.replace(/\.\d+(?=\.)/g, '.{i}')))
  const named = SECTIONS.flatMap(({ path, rows }) =>
    rows.filter((row) => (row[3] ?? '') !== '').map((row) => `${path}${row[0]}`),
  )
  expect(named.filter((path) => !found.has(path))).toEqual([])
})

const HOSTILE: readonly string[] = [
  '.',
  '..',
  'Device',
  'Device..',
  'Device.__proto__',
  'Device.constructor.',
  'Device.LAN.DHCPOption.{i}.Tag',
  'Device.LAN.DHCPOption.0.Tag',
  'Device.LAN.DHCPOption.8.Tag',
  'Device.LAN.DHCPOption.1e0.Tag',
  'Device.LAN.DHCPOption.-1.Tag',
  'Device.LAN.DHCPOption.99999999999999999999.Tag',
  `${VOICE}VoiceProfile.2.Line.2.Enable`,
  `${VOICE.replace('1', '2')}X_CISCO_SIP.`,
  `Device.${'LAN.'.repeat(100_000)}`,
  '1.'.repeat(127),
  'Device.LAN.IPAddress\n',
  ' Device.LAN.IPAddress',
]

test.each(HOSTILE.map((path) => [path.slice(0, 60), path] as const))('knows nothing of %j', (_, path) => {
  const tree = modelTree({ lines: 4, voiceProfiles: 'profile-per-line' })
  expect(tree.find(path)).toBeUndefined()
  expect(tree.below(path)).toEqual([])
  expect(tree.children(path)).toEqual([])
  expect(typeOf(path)).toBeUndefined()
  expect(elementsOf(path)).toEqual([])
  expect(readValue(path, () => 'x')).toBeUndefined()
  expect(writeValue(path, 'x', () => 'x')).toMatchObject({ ok: false, error: { code: 9005 } })
})

test('never throws on any path', () => {
  const parts = fc.constantFrom(
    'Device',
    'Services',
    'VoiceService',
    'VoiceProfile',
    'Line',
    'LAN',
    '1',
    '2',
    '{i}',
    '',
  )
  const path = fc.oneof(
    fc.string(),
    fc.array(parts, { maxLength: 9 }).map((each) => each.join('.')),
  )
  fc.assert(
    fc.property(path, (text) => {
      if (typeOf(text) === undefined) expect(writeValue(text, '', () => '')).toMatchObject({ error: { code: 9005 } })
      expect(pathsOf(text, { lines: 1, voiceProfiles: 'profile-per-line' })).toBeInstanceOf(Array)
    }),
    { seed: 69, numRuns: 2000 },
  )
})
