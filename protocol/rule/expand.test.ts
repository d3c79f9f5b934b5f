import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { expandMacros, expandPieces, EXPANDED_CHARS_MAX, type MacroLookup, UNKNOWN_HERE } from './expand.ts'
import { MACROS } from './macros.ts'

const VALUES: ReadonlyMap<string, string> = new Map([
  ['A', 'ABCDEF'],
  ['B', '123'],
  ['G', ''],
  ['SA', 'first-secret'],
  ['MA', '000e08012345'],
  ['MAU', '000E08012345'],
  ['MAC', '00:0e:08:01:23:45'],
  ['PN', 'CP-8841-3PCC'],
  ['PSN', '8841-3PCC'],
  ['SCHEME', 'tftp'],
  ['UID1', '1001'],
  ['UID12', '1012'],
  ['P', 'marker'],
])

function phone(name: string): string | undefined {
  return VALUES.get(name)
}

/** One case a line: source ¦ result ¦ clause. `~` stands for nothing. */
function rows(table: string): readonly (readonly [string, string, string])[] {
  return table
    .trim()
    .split('\n')
    .map((line) => line.split('¦').map((cell) => (cell.trim() === '~' ? '' : cell.trim().replace(/ {2,}/g, ' '))))
    .map(([source = '', result = '', clause = '']) => [source, result, clause])
}

const STATEMENTS = `
  $$                      ¦ $                           ¦ $$ is a dollar                          [MPP §3.1]
  a$$b                    ¦ a$b                         ¦ $$ inside text                          [MPP §3.1]
  $$MAU                   ¦ $MAU                        ¦ a result is not read again              [MPP §3.1]
  $$$MAU                  ¦ $000E08012345               ¦ pairs are read from the left            [MPP §3.1]
  $STRANGE                ¦ $STRANGE                    ¦ an unknown name stays                   [MPP §3.1]
  spa$STRANGE$MAU.cfg     ¦ spa$STRANGE000E08012345.cfg ¦ an unknown name before a known one      [MPP §3.1]
  $(STRANGE)              ¦ $(STRANGE)                  ¦ an unknown name in parentheses stays    [MPP §3.1]
  $(MAUX)                 ¦ $(MAUX)                     ¦ parentheses want the exact name         [MPP §3.1]
  $mau                    ¦ $mau                        ¦ names are upper case                    [MPP §3.3]
  $(MAU)config.cfg        ¦ 000E08012345config.cfg      ¦ parentheses end a name                  [MPP §3.1]
  $(A:2)                  ¦ CDEF                        ¦ from an offset to the end               [MPP §3.1]
  $(A:2:3)                ¦ CDE                         ¦ so many from an offset                  [MPP §3.1]
  $(MAU:8:2)              ¦ 23                          ¦ part of the MAC address                 [MPP §3.1]
  $(MAU:4)                ¦ 08012345                    ¦ the end of the MAC address              [MPP §3.1]
  $(A:6)                  ¦ ~                           ¦ an offset at the end gives nothing      [MPP §3.1]
  $(A:99:2)               ¦ ~                           ¦ an offset beyond the end gives nothing  [MPP §3.1]
  $(A:4:99)               ¦ EF                          ¦ a length beyond the end stops there     [MPP §3.1]
  $(A:0:0)                ¦ ~                           ¦ a length of zero gives nothing          [MPP §3.1]
  $(A:)                   ¦ $(A:)                       ¦ a missing offset is not a macro         [MPP §3.1]
  $(A:-1)                 ¦ $(A:-1)                     ¦ a negative offset is not a macro        [MPP §3.1]
  $(A:1:)                 ¦ $(A:1:)                     ¦ a missing length is not a macro         [MPP §3.1]
  $(A                     ¦ $(A                         ¦ a missing parenthesis is not a macro    [MPP §3.1]
  $( A )                  ¦ $( A )                      ¦ spaces are not part of a macro          [MPP §3.1]
  $MAU                    ¦ 000E08012345                ¦ the longest name wins over MA           [MPP §3.1]
  $MAC                    ¦ 00:0e:08:01:23:45           ¦ the longest name wins over MA again     [MPP §3.1]
  $MAX                    ¦ 000e08012345X               ¦ what is behind the longest name is text [MPP §3.1]
  $PSN.xml                ¦ 8841-3PCC.xml               ¦ the longest name wins over P            [MPP §3.1]
  $PNX                    ¦ CP-8841-3PCCX               ¦ PN before X                             [MPP §3.1]
  $UID12                  ¦ 1012                        ¦ line 12, not line 1 and a 2             [MPP §3.3]
  $GPP_A                  ¦ ABCDEF                      ¦ GPP_A is A                              [MPP §3.1]
  $(GPP_A:1:2)            ¦ BC                          ¦ GPP_A in parentheses is A               [MPP §3.1]
  $A$B                    ¦ ABCDEF123                   ¦ two in a row                            [MPP §3.3]
  $AB                     ¦ ABCDEFB                     ¦ A before B                              [MPP §3.1]
  x$G.y                   ¦ x.y                         ¦ an empty parameter                      [MPP §3.3]
  $SA                     ¦ $SA                         ¦ SA stays literal outside arguments      [MPP §3.1]
  $(SA:0:4)               ¦ $(SA:0:4)                   ¦ part of SA stays literal too            [MPP §3.1]
  $GPP_SA                 ¦ $GPP_SA                     ¦ SA by its long name stays too           [MPP §3.1]
  $METH                   ¦ tftp                        ¦ METH is an old name of SCHEME           [MPP §3.3]
  [$UPGCOND]              ¦ []                          ¦ UPGCOND is empty                        [MPP §3.3]
  $PORT                   ¦ $PORT                       ¦ a name without value is not cut to P    [MPP §3.1]
  $                       ¦ $                           ¦ a dollar at the end                     [MPP §3.1]
  5$ a                    ¦ 5$ a                        ¦ a dollar before a space                 [MPP §3.1]
`

describe('expandMacros', () => {
  it.each(rows(STATEMENTS))('%s gives %s: %s', (source, result) => {
    expect(expandMacros(source, phone).text).toBe(result)
  })

  it('puts SA to SD in where it is told that an option argument is expanded [MPP §3.1]', () => {
    expect(expandMacros('$SA $GPP_SA $(SA:0:5)', phone, { secrets: true }).text).toBe('first-secret first-secret first')
  })

  it('leaves a macro whose value is not known here and names it once [MPP §3.1]', () => {
    const lookup: MacroLookup = (name) => (name === 'SN' ? UNKNOWN_HERE : phone(name))
    const expanded = expandMacros('/$MA/$SN/$(SN:0:3)', lookup)
    expect(expanded).toEqual({ text: '/000e08012345/$SN/$(SN:0:3)', unknownHere: ['SN'], tooLong: false })
  })

  it('cuts a text that would grow without bound, and says so', () => {
    const expanded = expandMacros('$A'.repeat(1000), () => 'x'.repeat(10_000))
    expect(expanded.tooLong).toBe(true)
    expect(expanded.text.length).toBe(EXPANDED_CHARS_MAX)
  })

  it('asks for GPP_A as A only while the alias policy is on [MPP §3.1]', () => {
    expect(expandMacros('$GPP_A', phone, { gppAliases: false }).text).toBe('PP_A')
  })
})

const macroText = fc
  .array(
    fc.oneof(
      fc.constantFrom(...MACROS.map(({ name }) => `$${name}`), '$$', '$(', ')', ':', '$(A:1:2)', '$(MAU:3)', '(', '"'),
      fc.string({ maxLength: 5 }),
    ),
    { maxLength: 30 },
  )
  .map((parts) => parts.join(''))

describe('expansion as a whole', () => {
  it('never looks at a value again: values made of macros come out as they are [MPP §3.1]', () => {
    fc.assert(
      fc.property(macroText, fc.array(macroText, { minLength: 1, maxLength: 5 }), (text, values) => {
        const value = (name: string): string => values[name.length % values.length] ?? ''
        const { text: result, macros } = expandPieces(text, value)
        let at = 0
        let rebuilt = ''
        for (const { kind, sourceStart, sourceEnd, start, end } of macros) {
          const left =
            kind === 'secret' || kind === 'here' ? text.slice(sourceStart, sourceEnd) : result.slice(start, end)
          rebuilt += text.slice(at, sourceStart) + left
          at = sourceEnd
        }
        expect(rebuilt + text.slice(at)).toBe(result)
      }),
    )
  })

  it('changes nothing where no name is known and no dollar is doubled [MPP §3.1]', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'$()ABMUCPSN:12 x"|'.split('')) }), (text) => {
        fc.pre(!text.includes('$$'))
        expect(expandMacros(text, () => undefined).text).toBe(text)
      }),
    )
  })

  it('puts no secret into any text unless asked to [MPP §3.1]', () => {
    fc.assert(
      fc.property(macroText, (text) => {
        const lookup: MacroLookup = (name) => (/^S[A-D]$/.test(name) ? '\u2603\u2603' : 'v')
        fc.pre(!text.includes('\u2603'))
        expect(expandMacros(text, lookup).text).not.toContain('\u2603')
      }),
    )
  })
})
