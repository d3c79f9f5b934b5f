/**
 * "Users may not change the ringtone, there is no web page for them, and the menus are locked."
 * Source: MPP §1.3 (access), §7.2 (web server, screen, domains), §7.5 (profile rule at the keypad).
 */
import {
  catalogue,
  defaultValueOf,
  elementsOfPattern,
  findPattern,
  type UserAccess,
} from '../../../protocol/profile/mod.ts'
import type { ProductName } from '../../../protocol/identity.ts'
import type { LayerParameter } from '../types.ts'
import { ACCESS_SET_NAMES, ACCESS_SETS } from './access-sets.ts'
import { type FeatureMaker, type Parameters, parametersOf, yesNo } from './kind.ts'
import { type Fields, given, HOST_NAME, type TextRule } from './read.ts'
import type { AccessLimit, UserLimits } from './types.ts'

const LIMITS_MAX = 500
const DOMAINS_MAX = 50
const OF: TextRule = { expected: 'a set or an element', form: /^[A-Za-z0-9_.-]+$/, charsMax: 128 }

export const userLimits: FeatureMaker<UserLimits> = {
  read(fields) {
    const domains = fields.texts('domains', DOMAINS_MAX, HOST_NAME)
    return {
      kind: 'user-limits',
      access: fields.list('access', LIMITS_MAX, readLimit),
      ...given({
        web: fields.optionalChoice('web', ['on', 'off', 'no-admin-pages'] as const),
        screen: fields.optionalChoice('screen', ['open', 'by-access', 'read-only'] as const),
        profileRuleOnScreen: fields.optionalFlag('profileRuleOnScreen'),
        domains: domains.length === 0 ? undefined : domains,
        userPassword: fields.optionalChoice('userPassword', ['ours', 'first', 'theirs'] as const),
        adminPassword: fields.optionalChoice('adminPassword', ['ours', 'theirs'] as const),
      }),
    }
  },
  expand: (body, { device }) => [
    ...body.access.flatMap(({ of, access }) => accessParameters(of, access, device.model)),
    ...passwordParameters(body),
    ...parametersOf({ ...webParameters(body.web), ...screenParameters(body.screen) }),
    ...parametersOf({
      User_Configurable_Resync: body.profileRuleOnScreen === undefined ? undefined : yesNo(body.profileRuleOnScreen),
      Restricted_Access_Domains: body.domains?.join(','),
    }),
  ],
  problems: ({ access }, model) =>
    access
      .filter(({ of }) => Object.hasOwn(ACCESS_SETS, of) && accessParameters(of, 'na', model).length === 0)
      .map(({ of }) => ({
        code: 'no-such-element' as const,
        element: of,
        message: `A ${model} has nothing of the set "${of}"`,
        advice: 'Leave the set out for these phones.',
      })),
}

function readLimit(item: Fields): AccessLimit {
  const of = item.text('of', OF)
  const known = Object.hasOwn(ACCESS_SETS, of) || catalogue.find(of) !== undefined || findPattern(of) !== undefined
  if (of !== '' && !known) {
    item.fault('of', `"${of}" is neither a set nor a parameter`, `Sets are ${ACCESS_SET_NAMES.join(', ')}.`)
  }
  return { of, access: item.choice('access', ['na', 'ro', 'rw'] as const) }
}

/** Only the access changes; the value stays what it is (MPP §1.3). Of a set, what the model lacks is left out. */
function accessParameters(of: string, ua: UserAccess, model: ProductName): Parameters {
  const set = Object.hasOwn(ACCESS_SETS, of) ? ACCESS_SETS[of] : undefined
  const found = (set ?? [of]).flatMap((name) => elementsOfPattern(name, model))
  const elements = set === undefined && found.length === 0 ? [of] : found
  return elements.map((element) => [element, attributes(element, { ua })] as const)
}

function attributes(element: string, said: Omit<LayerParameter, 'value'>): LayerParameter {
  const row = catalogue.find(element)
  return { ...said, value: row === undefined ? '' : defaultValueOf(element, row), attributesOnly: true }
}

/** Our passwords come from the platform; here is only whether they win over those that the phone has. */
function passwordParameters({ userPassword, adminPassword }: UserLimits): Parameters {
  const user = {
    ours: { userPref: false },
    first: { userPref: true },
    theirs: { preserve: true },
  } as const
  const admin = { ours: { preserve: false }, theirs: { preserve: true } } as const
  return [
    ...(userPassword === undefined
      ? []
      : [['User_Password', attributes('User_Password', user[userPassword])] as const]),
    ...(adminPassword === undefined
      ? []
      : [['Admin_Password', attributes('Admin_Password', admin[adminPassword])] as const]),
  ]
}

function webParameters(web: UserLimits['web']): Readonly<Record<string, string>> {
  switch (web) {
    case undefined:
      return {}
    case 'on':
      return { Enable_Web_Server: 'Yes', Enable_Web_Admin_Access: 'Yes' }
    case 'off':
      return { Enable_Web_Server: 'No' }
    case 'no-admin-pages':
      return { Enable_Web_Server: 'Yes', Enable_Web_Admin_Access: 'No' }
  }
}

function screenParameters(screen: UserLimits['screen']): Readonly<Record<string, string>> {
  switch (screen) {
    case undefined:
      return {}
    case 'open':
      return { 'Phone-UI-User-Mode': 'No', 'Phone-UI-readonly': 'No' }
    case 'by-access':
      return { 'Phone-UI-User-Mode': 'Yes', 'Phone-UI-readonly': 'No' }
    case 'read-only':
      return { 'Phone-UI-readonly': 'Yes' }
  }
}
