import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concatBytes } from '../../protocol/bytes.ts'
import { catalogue } from '../../protocol/profile/mod.ts'
import type { DeviceFacts } from '../devices/mod.ts'
import { accountFacts, deviceFacts, layerOf, lineOf, platformFacts, productName } from '../testing-facts.ts'
import { anyFeatures } from './features/testing-features.ts'
import { permanentRule } from './platform-layer.ts'
import { canonicalText, markerOf, renderOwnPieces, renderOwnProfile, renderSealedProfile } from './render.ts'
import { resolveDevice } from './resolve.ts'
import type { Layer, LayerParameter, LayerScope, PlatformFacts, ResolvedProfile } from './types.ts'

const MODELS = ['CP-8851-3PCC', 'CP-6821-3PCC', 'CP-0000-3PCC'].map(productName)
const PLATFORMS = [
  platformFacts(),
  platformFacts({ publicUrl: 'https://[2001:db8::1]:8443', ntpServer: 'ntp.example.com', customCaUrl: undefined }),
]

/** Elements that several sources say, or that others are worked out of, more often than the rest. */
const OFTEN = [
  'Proxy_n_',
  'Proxy_1_',
  'Outbound_Proxy_2_',
  'Password_1_',
  'Line_Enable_3_',
  'Display_Name_n_',
  'Profile_Rule',
  'Profile_Rule_B',
  'Upgrade_Rule',
  'Custom_CA_Rule',
  'Restricted_Access_Domains',
  'PRT_Upload_Rule',
  'Admin_Password',
  'GPP_A',
  'GPP_P',
  'GPP_SA',
  'Unknown_n_Thing',
  'Primary_NTP_Server',
]
const names = fc.oneof(
  fc.constantFrom(...OFTEN),
  fc.constantFrom(...catalogue.allFor(MODELS[0] ?? productName('')).map(({ element }) => element)),
)
const values = fc.oneof(
  fc.constantFrom('', '""', 'Yes', 'no', 'a.example.com', 'b.example.com:5061', '$A.example.com'),
  fc.constantFrom('{{device.mac}}', '{{line.userId}}@{{line2.domain}}', '{{account.name}}', '{{line.password}}'),
  fc.constantFrom('https://c.example.com/$MA | http://d.example.com/x', '<&>"\ud800é\u0000'),
  fc.string({ maxLength: 12 }),
)
const parameter: fc.Arbitrary<LayerParameter> = fc.record(
  {
    value: values,
    ua: fc.constantFrom('na', 'ro', 'rw'),
    preserve: fc.boolean(),
    userPref: fc.boolean(),
    attributesOnly: fc.boolean(),
  },
  { requiredKeys: ['value'] },
)
const SCOPES: readonly LayerScope[] = ['platform', 'provider', 'model', 'account', 'account', 'batch', 'device']
const layers: fc.Arbitrary<readonly Layer[]> = fc
  .tuple(...SCOPES.map((scope) => fc.option(anyLayer(scope))))
  .map((all) => all.filter((layer) => layer !== null))

function anyLayer(scope: LayerScope): fc.Arbitrary<Layer> {
  // Both sides of the size from which the layer of an account counts as shared.
  return fc
    .oneof(
      fc.array(fc.tuple(names, parameter), { maxLength: 12 }),
      fc.array(fc.tuple(names, parameter), { minLength: 40, maxLength: 60 }),
    )
    .map((entries) => ({ ...layerOf(scope, {}), parameters: new Map(entries) }))
}

const word = fc.stringMatching(/^[a-z]{1,8}$/)
const line = fc.record({ userId: word, displayName: fc.string({ maxLength: 8 }), domain: word, password: word })

/** Devices that share layers and features, each with its own lines and secrets. */
const fleets = fc
  .record({
    shared: layers,
    own: fc.array(fc.option(anyLayer('device')), { minLength: 1, maxLength: 4 }),
    features: anyFeatures,
    pastFeatures: anyFeatures,
    lines: fc.array(fc.array(line, { maxLength: 3 }), { minLength: 4, maxLength: 4 }),
    models: fc.array(fc.constantFrom(...MODELS), { minLength: 4, maxLength: 4 }),
    sealed: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
  })
  .map(({ shared, own, features, pastFeatures, lines, models, sealed }) =>
    own.map((layer, at): DeviceFacts => {
      const base = deviceFacts(
        {},
        { account: accountFacts('acc_1', { delivery: sealed[at] === true ? 'sealed' : 'https' }) },
      )
      return {
        ...base,
        device: { ...base.device, model: models[at] ?? base.device.model },
        lines: (lines[at] ?? []).map((each, index) => ({ ...lineOf(index + 1), ...each })),
        layers:
          layer === null
            ? shared.filter(({ scope }) => scope !== 'device')
            : [...shared.filter(({ scope }) => scope !== 'device'), layer],
        features,
        pastFeatures,
      }
    }),
  )

/** The same by hand, of nothing that is kept. */
function plainly(resolved: ResolvedProfile, platform: PlatformFacts): { text: string; version: string } {
  const unmarked = new Map([...resolved].filter(([element]) => element !== 'GPP_P'))
  const hmac = createHmac('sha256', platform.markerKey).update(canonicalText(unmarked))
  const version = hmac.digest('hex').slice(0, 16)
  return { text: canonicalText(withMarker(unmarked, version)), version }
}

function withMarker(resolved: ResolvedProfile, value: string): ResolvedProfile {
  const plain = { preserve: false, userPref: undefined, secret: false, overrode: [] }
  return new Map(resolved).set('GPP_P', { ...plain, value, ua: 'na', origin: { kind: 'platform' } })
}

function sealedPlainly(facts: DeviceFacts, platform: PlatformFacts, generation: number): string {
  const resolved = new Map(resolveDevice(facts, platform))
  const { version } = plainly(resolved, platform)
  const rule = resolved.get('Profile_Rule')
  for (const key of ['GPP_SA', 'GPP_SB']) resolved.delete(key)
  if (generation === facts.device.keyIssued || rule === undefined) return canonicalText(withMarker(resolved, version))
  return canonicalText(resolved.set('Profile_Rule', { ...rule, value: permanentRule(platform) }))
}

/** Equal or not: a failure must not print passwords. */
function same(a: string, b: string): boolean {
  return a === b
}

describe('a profile from a template', () => {
  it('is byte for byte what its resolved parameters come to, whatever was rendered before', () => {
    fc.assert(
      fc.property(fleets, fc.constantFrom(...PLATFORMS), (fleet, platform) => {
        for (const facts of [...fleet, ...fleet.toReversed()]) {
          const resolved = resolveDevice(facts, platform)
          const wanted = plainly(resolved, platform)
          const made = renderOwnProfile(facts, platform)
          expect(same(made.text, wanted.text)).toBe(true)
          expect(made.version).toBe(wanted.version)
          expect(made.version).toBe(markerOf(resolved, platform.markerKey))
          const { keyIssued } = facts.device
          for (const generation of [keyIssued, keyIssued - 1]) {
            const sealed = renderSealedProfile(facts, platform, generation)
            expect(same(sealed, sealedPlainly(facts, platform, generation))).toBe(true)
          }
        }
      }),
      { numRuns: 60 },
    )
  }, 60_000)

  it('is said anew when a layer, a feature or the platform is', () => {
    const facts = deviceFacts()
    const [before, after] = ['One', 'Two'].map((name) => ({ ...facts, layers: [layerOf('platform', { GPP_A: name })] }))
    if (before === undefined || after === undefined) throw new Error('there are two')
    for (const each of [before, after, before]) {
      const wanted = plainly(resolveDevice(each, PLATFORMS[0] ?? platformFacts()), PLATFORMS[0] ?? platformFacts())
      expect(same(renderOwnProfile(each, PLATFORMS[0] ?? platformFacts()).text, wanted.text)).toBe(true)
    }
    const other = platformFacts({ resyncPeriodSeconds: 1234 })
    expect(renderOwnProfile(before, other).text).toContain('1234+155')
  })

  it('shares what phones have in common, and nothing that is theirs', () => {
    const shared = [layerOf('platform', { GPP_A: 'common', Password_n_: 'x{{line.userId}}' })]
    const [one, two] = [deviceFacts(), deviceFacts()].map((facts) =>
      renderOwnPieces({ ...facts, layers: shared }, PLATFORMS[0] ?? platformFacts()),
    )
    const common = (one?.pieces ?? []).filter((piece) => piece.shared)
    expect(common.length).toBeGreaterThan(3)
    expect(common.every((piece) => two?.pieces.includes(piece))).toBe(true)
    const text = new TextDecoder().decode(concatBytes(common.map(({ bytes }) => bytes)))
    expect(text).toContain('common')
    expect(/<(?:Admin_Password|GPP_S[AB]|User_Password|Password_1_)[ >]/.test(text)).toBe(false)
  })
})
