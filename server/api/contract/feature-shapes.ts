/**
 * The fields of each kind of feature as JSON Schema, for the document that people and generators read. The noun reads
 * the features themselves and names every fault.
 */
import type { FeatureBody } from '../../profiles/mod.ts'

type Schema = Readonly<Record<string, unknown>>

const text: Schema = { type: 'string' }
const flag: Schema = { type: 'boolean' }
const number = (description: string): Schema => ({ type: 'integer', minimum: 1, description })
const oneOf = (...values: readonly string[]): Schema => ({ type: 'string', enum: values })
const told = (schema: Schema, description: string): Schema => ({ ...schema, description })

function shape(kind: string, required: readonly string[], properties: Readonly<Record<string, Schema>>): Schema {
  return {
    type: 'object',
    title: kind,
    properties: { kind: { type: 'string', const: kind }, ...properties },
    required: ['kind', ...required],
    additionalProperties: false,
  }
}

const key: Schema = shape('key', ['key'], { key: number('A line key of the phone') })
const unitKey: Schema = shape('unit-key', ['unit', 'key'], {
  unit: number('Key expansion module'),
  key: number('Its key'),
})
const list: Schema = shape('list', ['entry'], { entry: { type: 'integer', minimum: 2, maximum: 9 } })
const line = number('Extension of the phone; 1 when left out')

const SHAPES: Readonly<Record<FeatureBody['kind'], Schema>> = {
  'speed-dial': shape('speed-dial', ['place', 'name', 'number'], {
    place: { oneOf: [key, unitKey, list] },
    name: text,
    number: text,
    line,
  }),
  blf: shape('blf', ['place', 'name', 'user'], {
    place: { oneOf: [key, unitKey] },
    name: text,
    user: told(text, 'The watched extension'),
    host: told(text, 'Its domain, when it is another than the line’s'),
    call: told(flag, 'The key also calls'),
    pickUp: told(flag, 'The key also picks up'),
    line,
  }),
  'line-key': shape('line-key', ['key', 'line'], {
    key: number('A line key of the phone'),
    line: number('The extension that it stands for'),
    name: text,
    shared: flag,
  }),
  'shared-line': shape('shared-line', ['line', 'userId'], {
    line: number('Extension of the phone'),
    userId: told(text, 'The name that the sharers have in common'),
    subscriptionSeconds: { type: 'integer' },
  }),
  'hunt-group': shape('hunt-group', ['name', 'number', 'members'], {
    name: text,
    number: told(text, 'What callers dial'),
    strategy: told(text, 'How the members ring'),
    ringSeconds: { type: 'integer' },
    members: { type: 'array', items: text, description: 'User ids of lines' },
    onPhones: {
      oneOf: [
        shape('nothing', [], {}),
        shape('pickup-keys', ['fromKey'], { fromKey: number('First key that is used') }),
        shape('shared-line', [], {}),
        shape('line-key', ['key'], { key: number('A line key of the phone') }),
      ],
    },
  }),
  'key-names': shape('key-names', ['keys'], {
    keys: {
      type: 'array',
      items: { type: 'object', properties: { key: number('A line key'), name: text }, required: ['key', 'name'] },
    },
    phone: told(text, 'Name of the phone on its screen'),
  }),
  forward: shape('forward', [], {
    all: told(text, 'Where every call goes'),
    busy: text,
    noAnswer: text,
    noAnswerSeconds: { type: 'integer' },
    mayChange: oneOf('users', 'provider', 'hidden'),
  }),
  'time-and-locale': shape('time-and-locale', [], {
    timeZone: told(text, 'Europe/Berlin or GMT+01:00'),
    daylightSaving: text,
    dateFormat: oneOf('month/day', 'day/month'),
    timeFormat: oneOf('12hr', '24hr'),
    language: text,
    locale: text,
    dictionary: told(text, 'Rule of the dictionary file'),
    tones: told(text, 'Country of the tones, e.g. de'),
  }),
  'user-limits': shape('user-limits', [], {
    access: {
      type: 'array',
      items: {
        type: 'object',
        properties: { of: told(text, 'A named set or one parameter'), access: oneOf('na', 'ro', 'rw') },
        required: ['of', 'access'],
      },
    },
    web: oneOf('on', 'off', 'no-admin-pages'),
    screen: oneOf('open', 'by-access', 'read-only'),
    profileRuleOnScreen: told(flag, 'Whether the keypad may change the profile rule'),
    domains: { type: 'array', items: text, description: 'The only hosts that the phone may reach' },
    userPassword: oneOf('ours', 'first', 'theirs'),
    adminPassword: oneOf('ours', 'theirs'),
  }),
  voicemail: shape('voicemail', ['number'], { number: text, server: text, mailbox: text, line }),
  dnd: shape('dnd', [], { offered: flag, on: flag, sync: flag }),
}

/** One schema a kind, in the order of the guide. */
export const FEATURE_SHAPES: readonly Schema[] = Object.values(SHAPES)
