import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { adviseValue, canonicalValue, findPattern, type Parameter, type ParameterType, validateValue } from './mod.ts'

function parameterOfType(type: ParameterType, choices: readonly string[] = []): Parameter {
  const base = findPattern('Station_Name')
  if (base === undefined) throw new Error('no Station_Name')
  return { ...base, type, choices, defaultValue: 'x' }
}

/** Type, then what it accepts, then what it refuses. */
const CASES: readonly (readonly [ParameterType, readonly string[], readonly string[]])[] = [
  ['Bool', ['Yes', 'No', 'yes', 'NO'], ['1', '0', 'true', 'Yes ', '']],
  ['Choice', ['red', 'light blue'], ['Red', 'blue', '']],
  ['ChoiceList', ['red', 'red|light blue', ''], ['red|', 'green', 'red,light blue']],
  ['Uns8', ['0', '255', '0x68', '0xFF', ''], ['256', '-1', '1.5', '0x100', 'a', '0x']],
  ['Uns16', ['65535', '0xffff'], ['65536', '+1']],
  ['Uns32', ['4294967295', '0xffffffff'], ['4294967296', '99999999999999999999']],
  ['Sig8', ['127', '-128', '+5', '0x7f', '-0x80'], ['128', '-129', '--1']],
  ['Sig16', ['-32768', '32767'], ['32768']],
  ['Sig32', ['-2147483648', '2147483647'], ['2147483648']],
  ['Float', ['.5', '0.02', '4', '-1.25'], ['.', '1,5', '1.2.3']],
  ['Time', ['10', '0.123456', '.5'], ['-1', 's']],
  ['PwrLevel', ['-19', '-19.5', '0'], ['-19.55', 'loud']],
  ['Str', ['any text, é', 'a\tb'], ['a\nb', 'a\u0000', 'x'.repeat(4097)]],
  ['IP', ['192.0.2.1', '0.0.0.0', '255.255.255.255'], ['192.0.2', '192.0.2.256', '192.0.2.1:80', 'a.b.c.d']],
  [
    'FQDN',
    ['sip.example.com', 'sip.example.com:5061', '192.0.2.1:5060', 'pbx', '[2001:db8::1]:5060', '2001:db8::1', 'a_b.c.'],
    ['a b', 'a..b', 'host:70000', 'host:', 'http://x', '.a', ':5060'],
  ],
  ['Port', ['0', '65535', '0x13c4'], ['65536', 'sip']],
  ['URL', ['http://a/b?c=$MA', 'tftp://192.0.2.1/x', 'x'], ['http://a b']],
  ['UserID', ['x'.repeat(63)], ['x'.repeat(64)]],
  ['Phone', ['1001', '*69', 'bob@example.com:5060'], ['a b', 'a@b@c', '1'.repeat(40)]],
  ['PhTmplt', ['1408*, 1510*, 1408123????', '%2a'], ['a,,b', ',a']],
  ['RscTmplt', ['404, 5*', '61?', '408,480'], ['4044', 'abc', '404;5*']],
  ['StarCode', ['*69', '#64', '*017110'], ['*6 9', '*0171101', 'abc']],
  [
    'CadScript',
    ['60(2/4)', '60(.2/.2,.2/.2,.2/.2,1/4)', '60(2/4);*(1/2)'],
    ['60(2)', '60(2/4', '60 2/4', '60(1/2);1(1/2);1(1/2)'],
  ],
  ['FreqScript', ['350@-19,440@-19', '350@-19.5'], ['350', '350@', '1@1,1@1,1@1,1@1,1@1,1@1,1@1']],
  [
    'ToneScript',
    ['350@-19,440@-19;10(*/0/1+2)', '600@-19;.3(.05/0.05/1)', '1@0;2(.1/.1/1);10(*/0/1)'],
    ['350@-19', '350@-19;10(1/2)'],
  ],
  ['RingScript', ['n=Chirp 1;w=file://chirp1.raw;c=1', 'n=a;w=http://x/y'], ['c=10', 'q=1', 'hello', 'n=a;c=0']],
  ['DialPlanScript', ['(*xx|[3469]11|0|<9:>xxxxxxx.S0)', '([2-9]xxx!)'], ['xxx', '(xxx', '(x)(y)', '([x)', '()x()']],
  ['ProvisioningRuleSyntax', ['( $A eq "b" )? http://x/y', '# off'], ['a\nb']],
  ['ConditionalExpr', ['$SWVER lt 12.0'], ['a\u0007']],
  ['MacroStr', ['$PN $MAC -- $ERR'], ['a\rb']],
  ['DelayList', ['3600', '0', '60+30,120', '1800+300,3600+600,7200+900'], ['3600,', '+5', 'a', '1++2', '-1']],
  ['HHmm', ['0000', '2359', '2400'], ['2401', '2360', '12:00', '900']],
  [
    'DSTRule',
    ['start=3/-1/7/2;end=10/-1/7/2;save=1', 'start=4/1/0/2:0:0;end=10/-1/7;save=-0:30'],
    ['start=13/1/7;end=1/1/1;save=1', 'save=1', 'start=3/0/7;end=10/1/7;save=1', 'start=3/1/8;end=10/1/7;save=1'],
  ],
  ['SoftkeyList', ['hold|1;endcall|2;', 'psk1;redial'], ['hold|a', ';', 'hold||1']],
  [
    'FunctionScript',
    ['fnc=sd;ext=9999@$PROXY;nme=Bob', 'fnc=blf+sd+cp;sub=101@$PROXY', 'fnc=dnd'],
    ['sd', 'ext=1', 'fnc=', 'fnc=a b'],
  ],
  ['Version', ['11.3.2', 'sip88xx.12-0-2MPP0001-1'], ['a b', '-1']],
  ['Password', ['x Y 1 !'], ['a\nb']],
]

describe('validateValue', () => {
  for (const [type, accepted, refused] of CASES) {
    const parameter = parameterOfType(type, ['red', 'light blue'])
    it(`tells good values of ${type} from bad ones [MPP §14]`, () => {
      for (const value of accepted) expect(validateValue(parameter, value), value.slice(0, 80)).toBeUndefined()
      for (const value of refused) expect(validateValue(parameter, value), value.slice(0, 80)).toBeDefined()
    })
  }

  it('has a case for every type', () => {
    expect(new Set(CASES.map(([type]) => type)).size).toBe(37)
  })

  it('accepts the empty value, but for Bool and for a Choice without it', () => {
    for (const [type] of CASES) {
      const isEmptyFine = validateValue(parameterOfType(type, ['red']), '') === undefined
      expect(isEmptyFine, type).toBe(type !== 'Bool' && type !== 'Choice')
    }
    expect(validateValue({ ...parameterOfType('Choice', ['red']), defaultValue: '' }, '')).toBeUndefined()
  })

  it('never tells a secret', () => {
    const value = `\u0001${'q'.repeat(20)}`
    const problem = validateValue({ ...parameterOfType('Password'), secret: true }, value)
    expect(problem?.code).toBe('invalid-value')
    expect(problem?.message).not.toContain('qqq')
  })

  it('answers for any type and any text, soon', () => {
    const types = CASES.map(([type]) => parameterOfType(type, ['red']))
    fc.assert(
      fc.property(fc.constantFrom(...types), fc.string({ unit: 'binary' }), (parameter, value) => {
        expect([undefined, 'invalid-value']).toContain(validateValue(parameter, value)?.code)
      }),
      { numRuns: 2000 },
    )
    const started = performance.now()
    for (const piece of ['1', '1,', 'a.', '1/1,', '1@1,', '=;', 'a|1;', '(', '[', '1+1,', ' ', '::']) {
      const long = piece.repeat(4096 / piece.length)
      for (const parameter of types) validateValue(parameter, `${long.slice(0, 4095)}!`)
    }
    expect(performance.now() - started).toBeLessThan(2000)
  })

  it('stores Bool in one spelling', () => {
    expect(canonicalValue(parameterOfType('Bool'), 'YES')).toBe('Yes')
    expect(canonicalValue(parameterOfType('Bool'), 'no')).toBe('No')
    expect(canonicalValue(parameterOfType('Str'), 'no')).toBe('no')
  })
})

describe('adviseValue', () => {
  it.each([
    ['Periodic_Upload_To_Server', '599', 'out-of-range'],
    ['Periodic_Upload_To_Server', '259200', undefined],
    ['Register_Expires_n_', '31', 'out-of-range'],
    ['PRT_Max_Timer', 'x', 'out-of-range'],
    ['PRT_Max_Timer', '', undefined],
    ['Station_Name', '12', undefined],
    ['Admin_Password', 'short1A', 'weak-password'],
    ['Admin_Password', 'alllowercase1', 'weak-password'],
    ['Admin_Password', 'Lower and 1 UPPER', 'weak-password'],
    ['User_Password', 'Lower1UPPER', undefined],
  ])('says of %s = %j: %s [MPP §7.1]', (name, value, code) => {
    const parameter = findPattern(name)
    expect(parameter && adviseValue(parameter, value)?.code).toBe(code)
  })
})
