import type { ProfileProblem } from './profile.ts'
import type { Parameter, ParameterType } from './parameter.ts'
import {
  isCadScript,
  isDialPlan,
  isDstRule,
  isFreqScript,
  isFunctionScript,
  isRingScript,
  isSoftkeyList,
  isToneScript,
} from './scripts.ts'

/** The longest value of any parameter. The guides give no limit for most; dictionary scripts are the longest known. */
export const VALUE_CHARS_MAX = 4096
/** MPP §14. */
const DIAL_PLAN_MAX = 2047
/** MPP §14: user id, and a name with its port in SPA text; a DNS name may be 253 (RFC 1035 §2.3.4). */
const FQDN_MAX = 253
const USER_ID_MAX = 63
const TEMPLATE_MAX = 39
/** More steps than any documented list has. */
const DELAYS_MAX = 64
const UNSIGNED_32_MAX = 0xffff_ffff

type Check = (value: string, parameter: Parameter) => boolean

interface TypeRule {
  readonly expected: string
  readonly check: Check
}

/** MPP §14: what each type accepts, and how to say so. The empty value is judged before. */
const RULES: Readonly<Record<ParameterType, TypeRule>> = {
  Bool: { expected: 'Yes or No', check: (value) => /^(?:yes|no)$/i.test(value) },
  Choice: { expected: 'one of the listed values', check: (value, { choices }) => choices.includes(value) },
  ChoiceList: {
    expected: 'some of the listed values with | between them',
    check: (value, { choices }) => value.split('|').every((part) => choices.includes(part)),
  },
  Uns8: unsigned(0xff),
  Uns16: unsigned(0xffff),
  Uns32: unsigned(UNSIGNED_32_MAX),
  Sig8: signed(0x7f),
  Sig16: signed(0x7fff),
  Sig32: signed(0x7fff_ffff),
  Float: pattern('a number with decimals', /^[+-]?(?:\d{1,9}(?:\.\d{0,6})?|\.\d{1,6})$/),
  Time: pattern('seconds, with decimals or without', /^(?:\d{1,9}(?:\.\d{0,9})?|\.\d{1,9})$/),
  PwrLevel: pattern('a level in dBm with one decimal at most', /^[+-]?\d{1,3}(?:\.\d)?$/),
  Str: { expected: 'text', check: () => true },
  MacroStr: { expected: 'text', check: () => true },
  IP: { expected: 'an address such as 192.0.2.1', check: isIpv4 },
  FQDN: { expected: 'a name or address, with :port where needed', check: isHostAndPort },
  Port: unsigned(0xffff),
  URL: pattern('a URL without spaces', /^\S+$/),
  UserID: { expected: `at most ${USER_ID_MAX} characters`, check: (value) => value.length <= USER_ID_MAX },
  Phone: pattern('a number, star code or user@host', /^[^\s@]{1,39}(?:@[^\s@]{1,39})?$/, TEMPLATE_MAX),
  PhTmplt: pattern('patterns with commas between them', /^[^\s,]+(?:,\s?[^\s,]+)*$/, TEMPLATE_MAX),
  RscTmplt: pattern('status codes such as 404, 5*', /^[0-9?*]{1,3}(?:\s?,\s?[0-9?*]{1,3})*$/, TEMPLATE_MAX),
  StarCode: pattern('a star code such as *69', /^[*#0-9]{1,7}$/),
  CadScript: { expected: 'a cadence such as 60(2/4)', check: isCadScript },
  FreqScript: { expected: 'frequencies such as 350@-19,440@-19', check: isFreqScript },
  ToneScript: { expected: 'a tone such as 350@-19,440@-19;10(*/0/1+2)', check: isToneScript },
  RingScript: { expected: 'a ring such as n=Chime;w=file://Chime.raw;c=1', check: isRingScript },
  DialPlanScript: {
    expected: `a dial plan in parentheses of at most ${DIAL_PLAN_MAX} characters`,
    check: (value) => value.length <= DIAL_PLAN_MAX && isDialPlan(value),
  },
  // Rules and conditions are judged by protocol/rule; the phone stores a faulty one and fails when it runs it.
  ProvisioningRuleSyntax: { expected: 'text', check: () => true },
  ConditionalExpr: { expected: 'text', check: () => true },
  DelayList: { expected: 'seconds such as 3600 or 60+30,120', check: isDelayList },
  HHmm: pattern('a time from 0000 to 2400', /^(?:(?:[01]\d|2[0-3])[0-5]\d|2400)$/),
  DSTRule: { expected: 'a rule such as start=3/-1/7/2;end=10/-1/7/2;save=1', check: isDstRule },
  SoftkeyList: { expected: 'softkeys such as hold|1;endcall|2;', check: isSoftkeyList },
  FunctionScript: { expected: 'a script such as fnc=sd;ext=101@$PROXY;nme=Bob', check: isFunctionScript },
  Version: pattern('a version such as 11.3.2', /^[A-Za-z0-9][A-Za-z0-9._()-]{0,62}$/),
  Password: { expected: 'text', check: () => true },
}

// A tab may stand inside text; a newline has become a space before (MPP §1.4).
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f]/

/**
 * Judges a value by its type (MPP §14).
 * The empty value is valid for every type but `Bool`, and but `Choice` where neither a choice nor the default is empty.
 * @returns the problem, without the value where that is secret; undefined for a valid value. Never throws.
 */
export function validateValue(parameter: Parameter, value: string): ProfileProblem | undefined {
  if (value === '') return acceptsEmpty(parameter) ? undefined : invalid(parameter, value)
  if (value.length > VALUE_CHARS_MAX) {
    const message = `Cannot set "${parameter.name}": expected at most ${VALUE_CHARS_MAX} characters`
    return { code: 'value-too-long', message }
  }
  return CONTROL.test(value) || !RULES[parameter.type].check(value, parameter) ? invalid(parameter, value) : undefined
}

/** The one spelling that the phone stores: `yes` becomes `Yes`. Only for values that are valid. */
export function canonicalValue(parameter: Parameter, value: string): string {
  if (!hasSpellings(parameter)) return value
  return value.toLowerCase() === 'yes' ? 'Yes' : 'No'
}

/** Whether one value of the parameter may be spelled in several ways, of which {@link canonicalValue} is one. */
export function hasSpellings({ type }: Parameter): boolean {
  return type === 'Bool'
}

function acceptsEmpty(parameter: Parameter): boolean {
  if (parameter.type === 'Bool') return parameter.defaultValue === ''
  if (parameter.type !== 'Choice') return true
  return parameter.defaultValue === '' || parameter.choices.includes('')
}

const SHOWN_CHARS_MAX = 60

function invalid(parameter: Parameter, value: string): ProfileProblem {
  const { name, choices, secret } = parameter
  const shown = secret ? '' : ` to "${value.slice(0, SHOWN_CHARS_MAX)}"`
  const expected = choices.length > 0 && choices.length <= 12 ? choices.join(', ') : RULES[parameter.type].expected
  return { code: 'invalid-value', message: `Cannot set "${name}"${shown}: expected ${expected}` }
}

function pattern(expected: string, form: RegExp, lengthMax = VALUE_CHARS_MAX): TypeRule {
  return { expected, check: (value) => value.length <= lengthMax && form.test(value) }
}

function unsigned(max: number): TypeRule {
  const expected = `a number from 0 to ${max}, decimal or 0x hexadecimal`
  return { expected, check: (value) => (numberOf(value) ?? max + 1) <= max }
}

function signed(max: number): TypeRule {
  const check: Check = (value) => {
    const size = numberOf(value.replace(/^[+-]/, ''))
    return size !== undefined && size <= (value.startsWith('-') ? max + 1 : max)
  }
  return { expected: `a number from ${-max - 1} to ${max}, decimal or 0x hexadecimal`, check }
}

function numberOf(text: string): number | undefined {
  return /^(?:\d{1,10}|0x[0-9a-f]{1,8})$/i.test(text) ? Number(text) : undefined
}

function isIpv4(value: string): boolean {
  return /^\d{1,3}(?:\.\d{1,3}){3}$/.test(value) && value.split('.').every((part) => Number(part) <= 255)
}

const HOST_AND_PORT = /^(?:\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?)(?::(\d{1,5}))?$/
const BARE_IPV6 = /^(?=[^:]*:[^:]*:)[0-9A-Fa-f:.]{2,45}$/

function isHostAndPort(value: string): boolean {
  if (BARE_IPV6.test(value)) return true
  const match = HOST_AND_PORT.exec(value)
  return match !== null && value.length <= FQDN_MAX + ':65535'.length && Number(match[1] ?? 0) <= 0xffff
}

/** MPP §5.2. */
function isDelayList(value: string): boolean {
  const delays = value.split(',')
  if (delays.length > DELAYS_MAX) return false
  return delays.every((delay) => {
    const match = /^\s?(\d{1,10})(?:\+(\d{1,10}))?\s?$/.exec(delay)
    return match !== null && Number(match[1]) <= UNSIGNED_32_MAX && Number(match[2] ?? 0) <= UNSIGNED_32_MAX
  })
}
