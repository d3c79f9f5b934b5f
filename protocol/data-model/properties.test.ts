import fc from 'fast-check'
import { expect, test } from 'vitest'

import { catalogue, type Parameter, validateValue } from '../profile/mod.ts'
import { elementsOf, type ModelNode, modelTree, readValue, typeOf, writeValue } from './mod.ts'
import { placeOf } from './place.ts'
import { changed, factoryValue, profileWith } from './testing-profile.ts'

const TREE = modelTree({ lines: 3, voiceProfiles: 'profile-per-line' })
const MAPPED = TREE.nodes.filter((node) => node.writable && elementsOf(node.path).length > 0)

/** Values of the profile that a phone takes for an element. */
function storedValues(element: string, parameter: Parameter): fc.Arbitrary<string> {
  const { choices } = parameter
  const factory = factoryValue(element) ?? ''
  const texts = choices.length > 0 ? fc.constantFrom(...choices) : fc.oneof(fc.nat(300).map(String), fc.string())
  return fc.oneof(fc.constant(factory), texts).filter((value) => validateValue(parameter, value) === undefined)
}

/** A path with a value of its element, as the tree shows it. */
function shownValue(node: ModelNode): fc.Arbitrary<string> {
  const [element = ''] = elementsOf(node.path)
  const parameter = catalogue.find(element)
  if (parameter === undefined) return fc.constant('')
  switch (placeOf(node.path)?.row.conversion) {
    case 'milliseconds':
      return fc.nat(300).map((seconds) => `${seconds * 1000}`)
    case 'port':
      return fc.integer({ min: 1, max: 65_535 }).map(String)
    case 'dhcp-tag':
      return fc.integer({ min: 1, max: 254 }).map(String)
    case 'dhcp-asked':
      return fc.constant('true')
    case 'host':
      return hosts
    default:
  }
  return storedValues(element, parameter).map((value) => readValue(node.path, profileWith({ [element]: value })) ?? '')
}

const hosts = fc.oneof(
  fc.constant(''),
  fc.domain(),
  fc.ipV4(),
  fc.ipV6().filter((text) => !text.includes('%')),
)

test('reads what was written, for every writable path that has an element [TR-069 §10.2]', () => {
  for (const node of MAPPED) {
    // The port stands behind a host.
    const before = profileWith({
      Proxy_1_: 'h',
      Proxy_2_: 'h',
      Proxy_3_: 'h',
      Outbound_Proxy_1_: 'h:7',
      Outbound_Proxy_2_: 'h:7',
      Outbound_Proxy_3_: '[::1]',
    })
    fc.assert(
      fc.property(shownValue(node), (value) => {
        const written = writeValue(node.path, value, before)
        if (!written.ok) expect.unreachable(`${written.error.message} (${value})`)
        else expect(readValue(node.path, changed(before, written.value)), node.path).toBe(value)
      }),
      { seed: 69, numRuns: 12 },
    )
  }
})

test('lets only values out that the catalogue allows, whatever is written, and never throws', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...MAPPED),
      fc.oneof(fc.string(), fc.nat().map(String), fc.string({ unit: 'binary' })),
      (node, text) => {
        const written = writeValue(node.path, text, factoryValue)
        if (!written.ok) {
          expect([9006, 9007]).toContain(written.error.code)
          return
        }
        for (const { element, value } of written.value) {
          const parameter = catalogue.find(element)
          expect(parameter && validateValue(parameter, value), element).toBeUndefined()
          expect(elementsOf(node.path)).toContain(element)
        }
      },
    ),
    { seed: 69, numRuns: 5000 },
  )
})

test('reads any value of the profile without throwing, and as one of the type where it is a number or a boolean', () => {
  fc.assert(
    fc.property(fc.constantFrom(...MAPPED), fc.string(), (node, stored) => {
      const value = readValue(node.path, () => stored)
      const type = typeOf(node.path)
      if (value === undefined) return
      if (type === 'boolean') expect(['true', 'false']).toContain(value)
      if (type === 'unsignedInt') expect(value).toMatch(/^\d+$/)
    }),
    { seed: 69, numRuns: 3000 },
  )
})
