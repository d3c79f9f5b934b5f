/** Any feature, for properties; and features as values for tables. */
import fc from 'fast-check'
import { assert } from '../../../protocol/result.ts'
import { ACCESS_SET_NAMES } from './access-sets.ts'
import { readFeature } from './kinds.ts'
import { DAYLIGHT_RULES, KNOWN_PLACES } from './time-zones.ts'
import { TONE_COUNTRIES } from './tones.ts'
import { type Feature, type FeatureScope, HUNT_STRATEGIES } from './types.ts'

let last = 0

/** Reads the body as the API does. */
export function featureOf(body: Readonly<Record<string, unknown>>, more: Partial<Feature> = {}): Feature {
  const read = readFeature(body)
  assert(read.ok, `the feature can be read: ${read.ok ? '' : read.error.map(({ message }) => message).join('; ')}`)
  last += 1
  return { id: `feat_${last}`, scope: 'account', scopeId: 'acc_1', revisionId: 1, body: read.value, ...more }
}

const word = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9 äöé+=&<>"'-]{0,20}[A-Za-z0-9]$/)
const number = fc.stringMatching(/^[0-9*#+]{1,12}$/)
const user = fc.stringMatching(/^[a-z0-9._-]{1,12}$/)
const line = fc.integer({ min: 1, max: 16 })
const access = fc.constantFrom('na', 'ro', 'rw')
const place = fc.oneof(
  fc.record({ kind: fc.constant('key'), key: fc.integer({ min: 1, max: 16 }) }),
  fc.record({
    kind: fc.constant('unit-key'),
    unit: fc.integer({ min: 1, max: 3 }),
    key: fc.integer({ min: 1, max: 40 }),
  }),
)
const entry = fc.record({ kind: fc.constant('list'), entry: fc.integer({ min: 2, max: 9 }) })

/** JSON of every kind, as people may send it. */
export const anyBody: fc.Arbitrary<Readonly<Record<string, unknown>>> = fc.oneof(
  fc.record(
    { kind: fc.constant('speed-dial'), place: fc.oneof(place, entry), name: word, number, line },
    { requiredKeys: ['kind', 'place', 'name', 'number'] },
  ),
  fc.record(
    { kind: fc.constant('blf'), place, name: word, user, call: fc.boolean(), pickUp: fc.boolean(), line },
    { requiredKeys: ['kind', 'place', 'name', 'user'] },
  ),
  fc.record(
    { kind: fc.constant('line-key'), key: fc.integer({ min: 1, max: 16 }), line, name: word, shared: fc.boolean() },
    { requiredKeys: ['kind', 'key', 'line'] },
  ),
  fc.record({ kind: fc.constant('shared-line'), line, userId: user }),
  fc.record({
    kind: fc.constant('hunt-group'),
    name: word,
    number: user,
    strategy: fc.constantFrom(...HUNT_STRATEGIES),
    members: fc.uniqueArray(fc.oneof(fc.constantFrom('1001', '1002', '1003'), user), { minLength: 1, maxLength: 6 }),
    onPhones: fc.oneof(
      fc.constant({ kind: 'nothing' }),
      fc.constant({ kind: 'shared-line' }),
      fc.record({ kind: fc.constant('pickup-keys'), fromKey: fc.integer({ min: 1, max: 16 }) }),
      fc.record({ kind: fc.constant('line-key'), key: fc.integer({ min: 1, max: 16 }) }),
    ),
  }),
  fc.record({
    kind: fc.constant('key-names'),
    keys: fc.uniqueArray(fc.record({ key: fc.integer({ min: 1, max: 16 }), name: word }), {
      selector: ({ key }) => key,
      maxLength: 8,
    }),
    phone: word,
  }),
  fc.record({
    kind: fc.constant('forward'),
    all: number,
    noAnswer: number,
    noAnswerSeconds: fc.integer({ min: 1, max: 600 }),
    mayChange: fc.constantFrom('users', 'provider', 'hidden'),
  }),
  fc.record(
    {
      kind: fc.constant('time-and-locale'),
      timeZone: fc.oneof(fc.constantFrom(...KNOWN_PLACES), fc.constantFrom('GMT', 'GMT+05:45')),
      daylightSaving: fc.constantFrom('none', ...Object.keys(DAYLIGHT_RULES), 'start=4/1/7/2;end=10/-1/7/3;save=1'),
      dateFormat: fc.constantFrom('month/day', 'day/month'),
      timeFormat: fc.constantFrom('12hr', '24hr'),
      language: fc.constantFrom('German', 'English-US', 'Klingon'),
      locale: fc.constantFrom('de-DE', 'en-GB'),
      tones: fc.constantFrom(...TONE_COUNTRIES),
    },
    { requiredKeys: ['kind'] },
  ),
  fc.record(
    {
      kind: fc.constant('user-limits'),
      access: fc.array(
        fc.record({ of: fc.constantFrom(...ACCESS_SET_NAMES, 'Default_Ring_n_', 'Ringer_Volume'), access }),
        { maxLength: 5 },
      ),
      web: fc.constantFrom('on', 'off', 'no-admin-pages'),
      screen: fc.constantFrom('open', 'by-access', 'read-only'),
      profileRuleOnScreen: fc.boolean(),
      domains: fc.constant(['files.example.com']),
      userPassword: fc.constantFrom('ours', 'first', 'theirs'),
      adminPassword: fc.constantFrom('ours', 'theirs'),
    },
    { requiredKeys: ['kind'] },
  ),
  fc.record(
    { kind: fc.constant('voicemail'), number, server: fc.constant('vm.example.com'), mailbox: user, line },
    { requiredKeys: ['kind', 'number'] },
  ),
  fc.record(
    { kind: fc.constant('dnd'), offered: fc.boolean(), on: fc.boolean(), sync: fc.boolean() },
    { requiredKeys: ['kind'] },
  ),
)

const SCOPES: readonly FeatureScope[] = ['account', 'batch', 'device']

/** Features of all scopes in the order in which facts have them. */
export const anyFeatures: fc.Arbitrary<readonly Feature[]> = fc
  .array(fc.tuple(anyBody, fc.constantFrom(...SCOPES)), { maxLength: 6 })
  .map((all) =>
    all
      .map(([body, scope], index) => featureOf(body, { id: `feat_${index}`, scope, scopeId: scope }))
      .toSorted((a, b) => SCOPES.indexOf(a.scope) - SCOPES.indexOf(b.scope)),
  )
