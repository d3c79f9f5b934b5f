import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { catalogue, readProfile, validateValue } from '../../protocol/profile/mod.ts'
import type { DeviceFacts } from '../devices/mod.ts'
import { deviceFacts, layerOf, lineOf, madeUpSecrets, platformFacts, PN, productName } from '../testing-facts.ts'
import {
  canonicalText,
  markerOf,
  renderEmptyProfile,
  renderFarewellProfile,
  renderFirstProfile,
  renderHeldProfile,
  renderOwnProfile,
  renderRcRedirect,
  renderSealedProfile,
} from './render.ts'
import { resolveDevice } from './resolve.ts'

const PLATFORM = platformFacts()
const ELEMENTS = catalogue.allFor(PN).filter(({ parameter }) => parameter.type === 'Str' && !parameter.secret)
const layerEntries = fc.uniqueArray(
  fc.tuple(
    fc.integer({ min: 0, max: ELEMENTS.length - 1 }).map((index) => ELEMENTS[index]?.element ?? ''),
    fc.string({ maxLength: 30 }),
  ),
  { selector: ([element]) => element, maxLength: 40 },
)

function own(facts: DeviceFacts) {
  return renderOwnProfile(facts, PLATFORM)
}

describe('determinism', () => {
  it('any order of a layer gives equal bytes', () => {
    const base = deviceFacts()
    fc.assert(
      fc.property(layerEntries, fc.func(fc.integer()), (entries, shuffle) => {
        const shuffled = entries.toSorted((a, b) => shuffle(a) - shuffle(b))
        const [one, two] = [entries, shuffled].map((each) =>
          own({ ...base, layers: [layerOf('account', Object.fromEntries(each))] }),
        )
        expect(one?.text === two?.text && one?.version === two?.version).toBe(true)
      }),
    )
  })

  it('is in catalogue order, with the marker in its place', () => {
    const profile = readProfile(own(deviceFacts()).text)
    const names = profile.ok ? profile.value.elements.map(({ name }) => name) : []
    expect(names).toEqual(names.toSorted((a, b) => catalogue.order(a) - catalogue.order(b)))
    expect(names).toContain('GPP_P')
  })

  it('the first, held and RC profile are the same for every phone', () => {
    for (const render of [renderFirstProfile, renderHeldProfile, renderRcRedirect])
      expect(render(PLATFORM)).toBe(render(platformFacts()))
  })
})

describe('marker', () => {
  it('is the first 16 hex digits of the HMAC over the text without GPP_P', () => {
    const facts = deviceFacts()
    const resolved = resolveDevice(facts, PLATFORM)
    expect(resolved.has('GPP_P')).toBe(false)
    const digest = createHmac('sha256', PLATFORM.markerKey).update(canonicalText(resolved)).digest('hex')
    const { text, version } = own(facts)
    expect(version).toBe(digest.slice(0, 16))
    expect(text.includes(`<GPP_P ua="na">${version}</GPP_P>`)).toBe(true)
    expect(text.replace(/<GPP_P .*<\/GPP_P>\n/, '') === canonicalText(resolved)).toBe(true)
  })

  it('changes when any value changes, and only then', () => {
    const base = deviceFacts()
    fc.assert(
      fc.property(layerEntries, layerEntries, (one, two) => {
        const [left, right] = [one, two].map((each) =>
          resolveDevice({ ...base, layers: [layerOf('device', Object.fromEntries(each))] }, PLATFORM),
        )
        if (left === undefined || right === undefined) return
        const same = canonicalText(left) === canonicalText(right)
        expect(markerOf(left, PLATFORM.markerKey) === markerOf(right, PLATFORM.markerKey)).toBe(same)
      }),
    )
  })

  it('changes with each single value of a profile', () => {
    const resolved = resolveDevice(deviceFacts(), PLATFORM)
    const marker = markerOf(resolved, PLATFORM.markerKey)
    for (const [element, parameter] of resolved) {
      const changed = new Map(resolved).set(element, { ...parameter, value: `${parameter.value}x` })
      expect(markerOf(changed, PLATFORM.markerKey) === marker).toBe(false)
    }
  })

  it('changes with access, and depends on the key of the platform', () => {
    const resolved = resolveDevice(deviceFacts(), PLATFORM)
    const [[element, parameter] = []] = resolved
    if (element === undefined || parameter === undefined) throw new Error('the profile is not empty')
    const opened = new Map(resolved).set(element, { ...parameter, ua: 'rw' })
    expect(markerOf(opened, PLATFORM.markerKey) === markerOf(resolved, PLATFORM.markerKey)).toBe(false)
    expect(markerOf(resolved, new Uint8Array(32)) === markerOf(resolved, PLATFORM.markerKey)).toBe(false)
  })
})

const secretsOf = (facts: DeviceFacts) =>
  [
    facts.secrets?.adminPassword,
    facts.secrets?.userPassword,
    facts.secrets?.uidPassword,
    ...(facts.secrets?.profileKeys.values() ?? []),
    ...facts.lines.map(({ password }) => password),
  ].filter((secret) => secret !== undefined)

const anyFacts = fc
  .record({
    model: fc.constantFrom('CP-8851-3PCC', 'CP-7811-3PCC', 'CP-6821-3PCC', 'DP-9861', 'CP-8865-3PCC'),
    lines: fc.integer({ min: 0, max: 4 }),
    generations: fc.integer({ min: 1, max: 3 }),
  })
  .map(({ model, lines, generations }) => {
    const numbers = Array.from({ length: generations }, (_, index) => index + 1)
    const secrets = madeUpSecrets(numbers)
    const all = Array.from({ length: lines }, (_, index) => lineOf(index + 1))
    return deviceFacts({ model: productName(model), keyIssued: generations }, { secrets, lines: all })
  })

describe('what never carries a secret', () => {
  it('first, held, farewell, empty and RC profile, whatever the device has', () => {
    fc.assert(
      fc.property(anyFacts, (facts) => {
        const texts = [
          renderFirstProfile(PLATFORM),
          renderHeldProfile(PLATFORM),
          renderFarewellProfile(facts, PLATFORM),
          renderEmptyProfile(),
          renderRcRedirect(PLATFORM),
        ]
        for (const secret of secretsOf(facts)) expect(texts.some((text) => text.includes(secret))).toBe(false)
      }),
      { numRuns: 30 },
    )
  })

  it('the own profile does, or the test above would show nothing', () => {
    const facts = deviceFacts()
    const { text } = own(facts)
    for (const secret of secretsOf(facts)) expect(text.includes(secret)).toBe(true)
  })

  it('the sealed profile carries no key: keys travel over certified TLS only', () => {
    fc.assert(
      fc.property(anyFacts, (facts) => {
        for (const [generation] of facts.secrets?.profileKeys ?? []) {
          const text = renderSealedProfile(facts, PLATFORM, generation)
          const keys = [...(facts.secrets?.profileKeys.values() ?? []), facts.secrets?.uidPassword ?? '']
          expect(keys.some((key) => text.includes(key))).toBe(false)
        }
      }),
      { numRuns: 20 },
    )
  })
})

describe('profiles of the first steps', () => {
  const values = (text: string) => {
    const profile = readProfile(text)
    return new Map(
      profile.ok ? profile.value.elements.map(({ name, value }) => [name, value === '""' ? '' : value]) : [],
    )
  }

  it('the first profile sends rule B to the permanent URL, with CA, clock and short retries with jitter', () => {
    const first = values(renderFirstProfile(platformFacts({ ntpServer: 'ntp.example.com' })))
    expect(first.get('Profile_Rule_B')).toMatch(/^https:\/\/prov\.example\.com\/cisco-init\?/)
    expect(first.get('Custom_CA_Rule')).toBe('http://prov.example.com/ca.pem')
    expect(first.get('Primary_NTP_Server')).toBe('ntp.example.com')
    expect(first.get('Resync_Error_Retry_Delay')).toMatch(/^30\+30,/)
    // A run of one URL, as after DNS SRV, fetches no rule B: the phone comes again soon (MPP §4.6).
    expect(first.get('Resync_Periodic')).toBe('30+30,3600+450')
  })

  it('a public certificate needs no CA rule', () => {
    expect(values(renderFirstProfile(platformFacts({ customCaUrl: undefined }))).has('Custom_CA_Rule')).toBe(false)
  })

  it('a held phone asks again within a minute and has no line', () => {
    const held = values(renderHeldProfile(PLATFORM))
    expect(held.get('Resync_Periodic')).toBe('30+20')
    expect([...held.keys()].some((name) => /^(?:User_ID|Password|Line_Enable|GPP_S)/.test(name))).toBe(false)
  })

  it('the own profile replaces the rule B of the first one', () => {
    expect(values(own(deviceFacts()).text).get('Profile_Rule_B')).toContain('/cisco-ack?')
  })

  it('the farewell turns every line off, empties every secret of the model and keeps a rule that needs none', () => {
    const farewell = values(renderFarewellProfile(deviceFacts({ state: 'released' }), PLATFORM))
    for (let line = 1; line <= 10; line++) {
      expect([
        farewell.get(`Line_Enable_${line}_`),
        farewell.get(`Password_${line}_`),
        farewell.get(`User_ID_${line}_`),
      ]).toEqual(['No', '', ''])
    }
    for (const element of [
      'GPP_SA',
      'GPP_SB',
      'GPP_SC',
      'GPP_SD',
      'Admin_Password',
      'User_Password',
      'XML_Password',
      'LDAP_Password',
    ]) {
      expect(farewell.get(element)).toBe('')
    }
    expect(farewell.get('Profile_Rule')).toMatch(/^https:\/\/prov\.example\.com\/cisco-init\?v=\$P/)
    expect(farewell.has('Wi-Fi_Password_1_')).toBe(false)
  })

  it('everything that Offhook itself says is valid for its type', () => {
    const facts = deviceFacts()
    const texts = [
      own(facts).text,
      renderFirstProfile(PLATFORM),
      renderHeldProfile(PLATFORM),
      renderFarewellProfile(facts, PLATFORM),
      renderRcRedirect(PLATFORM),
    ]
    for (const [element, value] of texts.flatMap((text) => [...values(text)])) {
      const row = catalogue.find(element)
      expect(row?.name, element).toBeDefined()
      if (row !== undefined) expect(validateValue(row, value)?.code, element).toBeUndefined()
    }
  })

  it('a phone that opens with an older key is sent to the permanent URL, and keeps its marker', () => {
    const facts = deviceFacts({ keyIssued: 2 }, { secrets: madeUpSecrets([1, 2]) })
    const older = values(renderSealedProfile(facts, PLATFORM, 1))
    expect(older.get('Profile_Rule')).toMatch(/^https:\/\/prov\.example\.com\/cisco-init/)
    expect(older.has('GPP_P')).toBe(false)
    expect(values(renderSealedProfile(facts, PLATFORM, 2)).get('GPP_P')).toBe(own(facts).version)
  })
})
