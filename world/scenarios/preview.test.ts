import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createAgent, macroLookup, react } from '../../phone/agent/mod.ts'
import { parseMacAddress, parseProductName, parseSerialNumber, type ProductName } from '../../protocol/identity.ts'
import {
  applyProfile,
  catalogue,
  type Parameter,
  readProfile,
  storedParameter,
  validateValue,
} from '../../protocol/profile/mod.ts'
import { assert } from '../../protocol/result.ts'
import { type Decision, evaluateRule, type MacroLookup, MACROS } from '../../protocol/rule/mod.ts'
import type { DeviceFacts } from '../../server/devices/mod.ts'
import { previewLookup, renderOwnProfile, type ResolvedProfile, resolveDevice } from '../../server/profiles/mod.ts'
import { deviceFacts, layerOf, lineOf, NOW, platformFacts, serialFor } from '../../server/testing-facts.ts'

/** The promise of the product: what the server previews is what the phone does. */

const PLATFORM = platformFacts()
const MODELS = ['CP-8851-3PCC', 'CP-7811-3PCC', 'CP-8865-3PCC', 'CP-6821-3PCC', 'DP-9861'].map(productName)

function productName(text: string): ProductName {
  const name = parseProductName(text)
  assert(name !== undefined, `"${text}" is a product name`)
  return name
}

const RESERVED = ['GPP_P', 'GPP_SA', 'GPP_SB']
const settable = new Map(
  MODELS.map((model) => [
    model,
    catalogue
      .allFor(model)
      .filter(({ element, parameter }) => parameter.settableBy !== 'nobody' && !RESERVED.includes(element)),
  ]),
)

/** Texts as people type them: choices, numbers, spaces around, line ends, quotes, the empty string. */
function valueFor(parameter: Parameter): fc.Arbitrary<string> {
  const plain = fc.oneof(
    fc.string({ maxLength: 12 }),
    fc.nat({ max: 70_000 }).map(String),
    fc.constantFrom(
      '',
      '""',
      'yes',
      'NO',
      ' padded ',
      '<&>"\'',
      'a\nb',
      '192.0.2.1',
      'sip.example.com',
      '30+30,60',
      '{{device.mac}}',
      'é ü',
    ),
    ...(parameter.choices.length > 0 ? [fc.constantFrom(...parameter.choices)] : []),
  )
  return plain
}

const anyLayerFor = (model: ProductName) =>
  fc.uniqueArray(
    fc
      .nat({ max: (settable.get(model)?.length ?? 1) - 1 })
      .map((index) => settable.get(model)?.[index])
      .filter((item) => item !== undefined)
      .chain(({ element, parameter }) => valueFor(parameter).map((value) => [element, value] as const)),
    { selector: ([element]) => element, maxLength: 25 },
  )

interface Sample {
  readonly model: ProductName
  readonly facts: DeviceFacts
}

const sample: fc.Arbitrary<Sample> = fc.constantFrom(...MODELS).chain((model) =>
  fc
    .record({
      provider: anyLayerFor(model),
      account: anyLayerFor(model),
      device: anyLayerFor(model),
      lines: fc.nat({ max: 2 }),
    })
    .map(({ provider, account, device, lines }) => ({
      model,
      facts: deviceFacts(
        { model },
        {
          lines: Array.from({ length: lines }, (_, index) => lineOf(index + 1)).slice(
            0,
            model === 'CP-7811-3PCC' ? 1 : 2,
          ),
          layers: [
            layerOf('provider', Object.fromEntries(provider)),
            layerOf('account', Object.fromEntries(account), 'acc_1'),
            layerOf('device', Object.fromEntries(device)),
          ],
        },
      ),
    })),
)

function isValid(element: string, value: string): boolean {
  const row = catalogue.find(element)
  return row !== undefined && validateValue(row, value) === undefined
}

function appliedBy({ facts, model }: Sample) {
  const profile = readProfile(renderOwnProfile(facts, PLATFORM).text)
  assert(profile.ok, 'what the server renders can be read')
  return applyProfile(new Map(), profile.value, model)
}

describe('what the server previews is what the phone does', () => {
  it('every previewed value that is valid is stored by the phone as it was previewed, with its access', () => {
    let seen = 0
    fc.assert(
      fc.property(sample, (each) => {
        const resolved = resolveDevice(each.facts, PLATFORM)
        const { store } = appliedBy(each)
        for (const [element, { value, ua }] of resolved) {
          if (!isValid(element, value)) continue
          const stored = storedParameter(store, element)
          seen += 1
          // Compared here: a secret that differs must not be printed.
          expect([element, stored.value === value, ua === undefined || stored.ua === ua]).toEqual([element, true, true])
        }
      }),
      { numRuns: 150 },
    )
    expect(seen).toBeGreaterThan(5000)
  })

  it('the phone ignores nothing and finds fault with nothing but what is not valid', () => {
    fc.assert(
      fc.property(sample, (each) => {
        const { ignored, problems } = appliedBy(each)
        const invalid = [...resolveDevice(each.facts, PLATFORM)].filter(
          ([element, { value }]) => !isValid(element, value),
        )
        expect(ignored).toEqual([])
        expect(problems.length).toBe(invalid.length)
      }),
      { numRuns: 100 },
    )
  })

  it('applied twice, the profile changes nothing more', () => {
    fc.assert(
      fc.property(sample, (each) => {
        const profile = readProfile(renderOwnProfile(each.facts, PLATFORM).text)
        assert(profile.ok, 'what the server renders can be read')
        const once = applyProfile(new Map(), profile.value, each.model)
        expect(applyProfile(once.store, profile.value, each.model).changed).toEqual([])
      }),
      { numRuns: 50 },
    )
  })
})

const LOADS = ['sip88xx.12-0-2MPP0101-50', 'sip88xx.11-3-7MPP0001-1', 'sip78xx.12-0-7', 'sip8845_65.12-0-1SR1']

/** A phone that has applied the profile and is switched on. */
function phoneOf({ facts, model }: Sample, load: string) {
  const [mac, serial] = [parseMacAddress(facts.device.mac), parseSerialNumber(serialFor(facts.device.mac))]
  assert(mac !== undefined && serial !== undefined, 'the device has a MAC address and a serial number')
  const hardware = {
    mac,
    serial,
    productName: model,
    hardwareVersion: '2.0.1',
    factoryLoad: load,
    clientCertificate: true,
    rcUrl: 'https://rc.example.com/',
  }
  const blank = createAgent(hardware)
  const { store } = appliedBy({ facts, model })
  const agent = { ...blank, flash: { ...blank.flash, parameters: store } }
  return react(agent, { kind: 'power-on' }, NOW, () => 0.5).agent
}

const names = MACROS.map(({ name }) => name.replace(/n$/, '1'))
const macro = fc.oneof(
  fc.constantFrom(
    'MA',
    'MAU',
    'MAC',
    'PN',
    'PSN',
    'SN',
    'A',
    'B',
    'C',
    'GPP_D',
    'SWVER',
    'UID1',
    'DISPLAYNAME1',
    'AUTHID1',
    'NOSUCH',
  ),
  fc.constantFrom(...names),
)
const reference = fc.oneof(
  macro.map((name) => `$${name}`),
  macro.map((name) => `$(${name})`),
  fc.tuple(macro, fc.nat({ max: 4 }), fc.nat({ max: 6 })).map(([name, from, to]) => `$(${name}:${from}:${to})`),
)
const operand = fc.oneof(
  reference,
  reference.map((text) => `"${text}"`),
  fc.constantFrom('"x"', '12', '12-0-2', '"CP-8851-3PCC"', '0', ''),
)
const comparison = fc
  .tuple(operand, fc.constantFrom('lt', 'le', 'eq', 'ne', 'ge', 'gt', 'eq', 'ne'), operand)
  .map(([left, operator, right]) => `${left} ${operator} ${right}`)
const condition = fc.array(comparison, { minLength: 1, maxLength: 3 }).map((parts) => `( ${parts.join(' and ')} ) ? `)
const pathPart = fc.oneof(reference, fc.constantFrom('a', '/', 'x.cfg', '-'))
const target = fc.oneof(
  fc.array(pathPart, { maxLength: 4 }).map((parts) => `https://prov.example.com/${parts.join('')}`),
  fc.array(pathPart, { maxLength: 3 }).map((parts) => `[--key $SA] http://prov.example.com/s/${parts.join('')}`),
  fc.constantFrom('[--uid $MA --pwd $SB] https://prov.example.com/cisco-init?v=$P', '/$PSN.xml', 'tftp://$A/x', ''),
)
const alternative = fc.tuple(fc.option(condition, { nil: '' }), target).map((parts) => parts.join(''))
const rule = fc.oneof(
  fc.array(alternative, { minLength: 1, maxLength: 4 }).map((all) => all.join(' | ')),
  fc.string({ maxLength: 60 }),
)

/** The decision without what only its author reads. Secrets in options are compared by the whole, never printed. */
function essence(decision: Decision): string {
  const { problems: _problems, ...rest } = decision
  return JSON.stringify(rest)
}

interface Ruled extends Sample {
  readonly text: string
  readonly load: string
  readonly registers: Readonly<Record<string, string>>
}

const ruled: fc.Arbitrary<Ruled> = fc
  .record({
    each: sample,
    text: rule,
    load: fc.constantFrom(...LOADS),
    registers: fc.dictionary(
      fc.constantFrom('GPP_A', 'GPP_B', 'GPP_C', 'GPP_D'),
      fc.constantFrom('x', '12', 'a b', 'sip.example.com', '12-0-2', '$MA', 'it"s | ['),
    ),
  })
  .map(({ each, text, load, registers }) => {
    const facts = { ...each.facts, layers: [...each.facts.layers, layerOf('device', registers)] }
    return { ...each, facts, text, load, registers }
  })

function previewOf({ facts, load }: Ruled, resolved: ResolvedProfile, knowsLoad: boolean): MacroLookup {
  // The marker joins the profile when its text is known, so the preview has it too.
  const { version } = renderOwnProfile(facts, PLATFORM)
  const marker = {
    value: version,
    ua: 'na',
    preserve: false,
    userPref: undefined,
    secret: false,
    origin: { kind: 'platform' },
    overrode: [],
  } as const
  return previewLookup(facts, new Map(resolved).set('GPP_P', marker), knowsLoad ? { firmware: load } : {})
}

describe('rules: the preview on the server equals the choice of the phone', () => {
  it.each(['profile', 'upgrade'] as const)(
    'for any %s rule and any phone: it says the same, or what it depends on',
    (kind) => {
      const counts = { same: 0, depends: 0, fetched: 0 }
      fc.assert(
        fc.property(ruled, fc.boolean(), (each, knowsLoad) => {
          const resolved = resolveDevice(each.facts, PLATFORM)
          const preview = evaluateRule(each.text, kind, previewOf(each, resolved, knowsLoad))
          const phone = evaluateRule(each.text, kind, macroLookup(phoneOf(each, each.load), NOW))
          if (preview.kind === 'depends') {
            counts.depends += 1
            return
          }
          if (preview.kind === 'fetch' && preview.unresolved.length > 0) {
            counts.depends += 1
            expect([phone.kind, phone.kind === 'fetch' && phone.branch]).toEqual(['fetch', preview.branch])
            return
          }
          counts.same += 1
          if (preview.kind === 'fetch') counts.fetched += 1
          expect([each.text, essence(preview) === essence(phone)]).toEqual([each.text, true])
        }),
        { numRuns: 1000 },
      )
      expect(counts.same).toBeGreaterThan(100)
      expect(counts.fetched).toBeGreaterThan(10)
      expect(counts.depends).toBeGreaterThan(10)
    },
  )
})
