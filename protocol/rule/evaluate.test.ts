import { describe, expect, it } from 'vitest'

import { type Decision, evaluateReportRule, evaluateRule, evaluateTrigger } from './evaluate.ts'
import { type MacroLookup, UNKNOWN_HERE } from './expand.ts'
import { DEFAULT_RULE_POLICIES, isUnset } from './policies.ts'
import { printUrl } from './url.ts'

const PHONE: ReadonlyMap<string, string> = new Map([
  ['A', 'Provisioned'],
  ['B', '1001'],
  ['C', ''],
  ['D', 'acme'],
  ['E', 'north'],
  ['F', 'beta-customer'],
  ['G', 'http://g.example.com/g.cfg'],
  ['H', '| http://h.example.com/h.cfg'],
  ['I', '#not-a-comment'],
  ['J', 'a"b'],
  ['K', '1 eq 1'],
  ['L', '$MA'],
  ['SA', 'p4ss "phrase" ] | x'],
  ['SB', 'second'],
  ['MA', '000e08aabbcc'],
  ['MAU', '000E08AABBCC'],
  ['PN', 'CP-8851-3PCC'],
  ['PSN', '8851-3PCC'],
  ['SN', 'FCH2305DMH0'],
  ['CCERT', 'Installed'],
  ['EXTIP', ''],
  ['SWVER', 'sip88xx.11-3-1MPP-110'],
  ['HWVER', '2.0.10'],
  ['PRVST', '-1'],
  ['PRVTMR', '700'],
  ['REGTMR1', '0'],
  ['UID1', '1001'],
])

const phone: MacroLookup = (name) => PHONE.get(name)

/** A server that has only heard of the phone's identity. */
const server: MacroLookup = (name) => (/^(?:MA|MAU|PN|PSN|SN)$/.test(name) ? PHONE.get(name) : UNKNOWN_HERE)

function rows(table: string): readonly (readonly string[])[] {
  return table
    .trim()
    .split('\n')
    .map((line) => line.split('¦').map((cell) => cell.trim().replace(/ {2,}/g, ' ')))
}

/** `0 http://h/x GPP_A=1`, `nothing`, `1 nothing`, `invalid code`, `depends on A` */
function shown(decision: Decision): string {
  switch (decision.kind) {
    case 'fetch':
    case 'nothing': {
      const branch = decision.branch === undefined ? [] : [String(decision.branch)]
      const sets = decision.assignments.map(({ element, value }) => `${element}=${value}`)
      const left = decision.unresolved.length === 0 ? [] : [`?${decision.unresolved.join()}`]
      return [...branch, decision.kind === 'fetch' ? printUrl(decision.url) : 'nothing', ...sets, ...left].join(' ')
    }
    case 'invalid':
      return `invalid ${decision.problems.map(({ code }) => code).join()}`
    case 'depends':
      return `depends on ${decision.on.join()}`
  }
}

/** rule ¦ decision on the phone above ¦ clause */
const PROFILE_RULES = `
  /$PSN.xml                                              ¦ 0 /8851-3PCC.xml                        ¦ the factory rule                  [MPP §0]
  /$MA.cfg                                               ¦ 0 /000e08aabbcc.cfg                     ¦ a path                            [MPP §4.5]
  tftp://h/cpe/cisco$MA.cfg                              ¦ 0 tftp://h/cpe/cisco000e08aabbcc.cfg    ¦ a URL                             [MPP §4.5]
  http://h:8080/prov/$D/$E.cfg                           ¦ 0 http://h:8080/prov/acme/north.cfg     ¦ two macros in a path              [MPP §4.5]
  https://h/profile?Linksys                              ¦ 0 https://h/profile?Linksys             ¦ a query                           [MPP §4.5]
  https://h/i?v=$B&why=$PRVST&reg=$REGTMR1               ¦ 0 https://h/i?v=1001&why=-1&reg=0       ¦ a query of macros                 [MPP §4.1]
  ~                                                      ¦ nothing                                 ¦ an empty rule is skipped          [MPP §4.1]
  # /x                                                   ¦ nothing                                 ¦ a commented rule is skipped       [MPP §1.6]
  $C                                                     ¦ nothing                                 ¦ a rule that expands to nothing    [MPP §4.1]
  ("$A" ne "Provisioned")? (Line_Enable_1_ = "No";)! https://p.tel.com/init-prov | https://p.tel.com/configs ¦ 1 https://p.tel.com/configs ¦ the guide's example, provisioned [MPP §4.1]
  ("$C" ne "Provisioned")? (Line_Enable_1_ = "No";)! https://p.tel.com/init-prov | https://p.tel.com/configs ¦ 0 https://p.tel.com/init-prov Line_Enable_1_=No ¦ the guide's example, new [MPP §4.1]
  ("$A" eq "x")? /a | ("$A" eq "y")? /b                  ¦ nothing                                 ¦ none true is skipped              [MPP §4.1]
  (1 eq 2)? /a | (1 eq 1)? /b | (1 eq 1)? /c             ¦ 1 /b                                    ¦ the first true one                [MPP §4.1]
  /a | /b                                                ¦ 0 /a                                    ¦ the first without condition       [MPP §4.1]
  (1 eq 1)? (c = "$MA"; Line_Enable_1_ = "Yes";)!        ¦ 0 nothing GPP_C=000e08aabbcc Line_Enable_1_=Yes ¦ assignments without URL    [MPP §4.1]
  (1 eq 1)? | /a                                         ¦ 0 nothing                               ¦ a condition alone                 [MPP §4.1]
  (1 eq 2)? /a |                                         ¦ 1 nothing                               ¦ an empty last alternative         [MPP §4.1]
  (p = "uid$B";)! /a                                     ¦ 0 /a GPP_P=uid1001                      ¦ macros on the right-hand side     [MPP §4.1]
  (a = "$SA";)! /a                                       ¦ 0 /a GPP_A=$SA                          ¦ but no secrets                    [MPP §3.1]
  ("$CCERT" eq "Installed")? /a                          ¦ 0 /a                                    ¦ text in quotes                    [MPP §4.2]
  ("$CCERT" eq "installed")? /a                          ¦ nothing                                 ¦ text is case-sensitive            [MPP §4.2]
  ("$CCERT" = "Installed" and "$C" != "x")? /a           ¦ 0 /a                                    ¦ symbols for text                  [MPP §4.2]
  ($PRVTMR ge 600)? /a                                   ¦ 0 /a                                    ¦ an integer                        [MPP §4.2]
  ($PRVTMR lt 1000)? /a                                  ¦ 0 /a                                    ¦ integers are not text             [MPP §4.2]
  ($PRVST eq -1)? /a                                     ¦ 0 /a                                    ¦ a negative integer                [MPP §3.3]
  ($REGTMR1 eq 0)? /a                                    ¦ 0 /a                                    ¦ registered                        [MPP §3.3]
  ($REGTMR1 gt 300 and $PRVTMR gt 1200)? /a              ¦ nothing                                 ¦ one false makes all false         [MPP §4.2]
  ($SWVER ge sip88xx.11-2-3MPP-256)? /a                  ¦ 0 /a                                    ¦ a version                         [MPP §4.3]
  ($SWVER ge 11-2-3MPP-256)? /a                          ¦ 0 /a                                    ¦ without its series                [MPP §4.2]
  ($SWVER eq sip78xx.11-3-1MPP-110)? /a                  ¦ 0 /a                                    ¦ the series is ignored             [MPP §4.2]
  ("$SWVER" eq "sip78xx.11-3-1MPP-110")? /a              ¦ nothing                                 ¦ not in quotes                     [MPP §4.2]
  ("$SWVER" eq "sip88xx.11-3-1MPP-110")? /a              ¦ 0 /a                                    ¦ the complete load string          [MPP §4.2]
  ($HWVER gt 2.0.9)? /a                                  ¦ 0 /a                                    ¦ dotted integers                   [MPP §4.3]
  ($SWVER ge 11.0.0)? /a | /b                            ¦ 1 /b                                    ¦ another form is invalid: false    [MPP §4.3]
  ("$SWVER" ge "11")? /a | /b                            ¦ 1 /b                                    ¦ ordering of text: false           [MPP §4.2]
  ("5" eq 5)? /a | /b                                    ¦ 1 /b                                    ¦ mixed kinds: false                [MPP §4.2]
  (1 eq 1 and x eq 5)? /a | /b                           ¦ 1 /b                                    ¦ not a value: false                [MPP §4.2]
  (1 eq 1 or 1 eq 1)? /a | /b                            ¦ 1 /b                                    ¦ no or: false                      [MPP §4.1]
  ($CCERT eq "Installed")? /a | /b                       ¦ 1 /b                                    ¦ an unquoted text macro: false     [MPP §4.2]
  ($C eq 5)? /a | /b                                     ¦ 1 /b                                    ¦ an unquoted empty macro: false    [MPP §4.2]
  (! 11-0-1MPP-1)? /a | /b                               ¦ 1 /b                                    ¦ legacy is off: false              [MPP §4.2]
  (1 eq 1) /a | /b                                       ¦ 1 /b                                    ¦ no question mark: false           [MPP §4.1]
  (1 eq 1 /a | /b                                        ¦ nothing                                 ¦ an open group swallows the rest   [MPP §4.1]
  $G                                                     ¦ 0 http://g.example.com/g.cfg            ¦ a whole URL in a macro            [MPP §4.1]
  (1 eq 2)? /a $H                                        ¦ 1 http://h.example.com/h.cfg            ¦ a macro that brings a bar         [MPP §4.1]
  ($K)? /a                                               ¦ 0 /a                                    ¦ a macro that is a comparison      [MPP §4.1]
  ("$J" eq "x")? /a | /b                                 ¦ nothing                                 ¦ a macro with a quote breaks it    [MPP §4.1]
  $I/x | /b                                              ¦ invalid url-bad-host                    ¦ a macro is no comment             [MPP §4.1]
  /$L.cfg                                                ¦ 0 /$MA.cfg                              ¦ a value is not expanded           [MPP §3.1]
  /$$MA.cfg                                              ¦ 0 /$MA.cfg                              ¦ a dollar                          [MPP §3.1]
  /$SB.cfg                                               ¦ 0 /$SB.cfg                              ¦ a secret stays literal            [MPP §3.1]
  ("$SB" eq "second")? /a | /b                           ¦ 1 /b                                    ¦ also in a condition               [MPP §3.1]
  $PN.cfg                                                ¦ 0 /CP-8851-3PCC.cfg                     ¦ a file without slash              [MPP §4.5]
  (1 eq 2)? http://h/a"b | /c                            ¦ 1 /c                                    ¦ a stray quote in a URL            [MPP §4.1]
  gds://                                                 ¦ 0 gds://                                ¦ activation                        [MPP §4.7]
  http://h                                               ¦ invalid url-path-missing                ¦ a URL without path                [MPP §4.5]
  (1 eq 1)? ftp://h/x | /b                               ¦ invalid url-bad-scheme                  ¦ a fault in the chosen one         [MPP §4.5]
  (1 eq 2)? ftp://h/x | /b                               ¦ 1 /b                                    ¦ a fault elsewhere is no matter    [MPP §4.1]
  [--hmac x] /a                                          ¦ invalid unknown-option                  ¦ an unknown option                 [MPP §4.4]
  (a = 5;)! /a                                           ¦ invalid bad-assignment                  ¦ a bad assignment                  [MPP §4.1]
  (a = "1";)! (1 eq 1)? /a                               ¦ invalid order                           ¦ the wrong order                   [MPP §4.1]
  [--srv] tftp://h/x                                     ¦ invalid srv-with-tftp                   ¦ SRV with tftp                     [MPP §4.4]
  [--delta] http://h/x                                   ¦ invalid option-not-here                 ¦ a report option                   [MPP §4.4]
`

const UPGRADE_RULES = `
  http://p.tel.com/firmware/sip88xx.11-3-1MPP-678.loads  ¦ 0 http://p.tel.com/firmware/sip88xx.11-3-1MPP-678.loads ¦ a load             [MPP §6]
  ("$F" ne "beta-customer")? http://h/a.loads | http://h/b.loads ¦ 1 http://h/b.loads                ¦ an alternative               [MPP §4.1]
  ($SWVER lt 11-0-0MPP-1)? http://h/a.loads | ($SWVER lt 11-3-2MPP0001-609)? http://h/b.loads | http://h/c.loads ¦ 1 http://h/b.loads ¦ stages [MPP §6]
  (a = "1";)! http://h/a.loads                           ¦ 0 http://h/a.loads GPP_A=1              ¦ an assignment                     [MPP §4.1]
  ($SWVER ge 11-3-1MPP-110)? | http://h/a.loads          ¦ 0 nothing                               ¦ nothing to do                     [MPP §4.1]
  /a.loads                                               ¦ invalid server-required                 ¦ no server                         [MPP §4.5]
  [--key x] http://h/a.loads                             ¦ invalid options-in-upgrade              ¦ options                           [MPP §4.1]
  gds://                                                 ¦ invalid gds-not-here,not-a-loads-file   ¦ activation                        [MPP §4.7]
`

/** rule ¦ decision on a server that knows only the phone's identity ¦ clause */
const PREVIEWS = `
  /$MA.cfg                                 ¦ 0 /000e08aabbcc.cfg            ¦ all is known
  /$A/$MA.cfg?v=$(P:0:4)                   ¦ 0 /$A/000e08aabbcc.cfg?v=$(P:0:4) ?A,P ¦ unknown in path and query only
  http://$A/x                              ¦ depends on A                   ¦ the server is unknown
  http://h:$B/x                            ¦ depends on B                   ¦ the port is unknown
  $SCHEME://h/x                            ¦ depends on SCHEME              ¦ the scheme is unknown
  $A                                       ¦ depends on A                   ¦ all is unknown
  $A.cfg                                   ¦ depends on A                   ¦ a name that may be anything
  ("$A" eq "x")? /a | /b                   ¦ depends on A                   ¦ the branch is unknown
  ($PRVST eq 0 and "$A" eq "$B")? /a       ¦ depends on PRVST,A,B           ¦ all names that decide
  (1 eq 2 and "$A" eq "x")? /a | /b        ¦ 1 /b                           ¦ false whatever A is
  ("a" lt "b" and "$A" eq "x")? /a | /b    ¦ 1 /b                           ¦ invalid whatever A is
  (1 eq 1 and "$A" eq "x")? /a | /b        ¦ depends on A                   ¦ A decides
  (1 eq 1)? /a | ("$A" eq "x")? http://$B/ ¦ 0 /a                           ¦ unknown behind the chosen one
  (1 eq 2)? http://$A/$B | /$C             ¦ 1 /$C ?C                       ¦ unknown in what is not chosen
  (a = "$B";)! /$C                         ¦ 0 /$C GPP_A=$B ?B,C            ¦ unknown in an assignment
  (a = "$B";)!                             ¦ 0 nothing GPP_A=$B ?B          ¦ unknown in an assignment alone
  [--key "$SA" --uid $B] /x                ¦ 0 /x ?SA,B                     ¦ unknown in options
  ($K)? /a | /b                            ¦ depends on K                   ¦ a condition that may become one
  ($K) /a | /b                             ¦ depends on K                   ¦ a group that may become one
  [--post $A] /a                           ¦ depends on A                   ¦ a letter that is unknown
  ("$SB" eq "x")? /a | /b                  ¦ 1 /b                           ¦ a secret is literal text there
`

describe('evaluateRule', () => {
  it.each(rows(PROFILE_RULES))('%s decides %s: %s', (text = '', expected) => {
    expect(shown(evaluateRule(text === '~' ? '' : text, 'profile', phone))).toBe(expected)
  })

  it.each(rows(UPGRADE_RULES))('upgrade %s decides %s: %s', (text = '', expected) => {
    expect(shown(evaluateRule(text, 'upgrade', phone))).toBe(expected)
  })

  it.each(rows(PREVIEWS))('on a server, %s decides %s: %s', (text = '', expected) => {
    expect(shown(evaluateRule(text, 'profile', server))).toBe(expected)
  })
})

describe('options', () => {
  const optionsOf = (text: string): unknown => {
    const decision = evaluateRule(text, 'profile', phone)
    return decision.kind === 'fetch' ? decision.options : decision.kind
  }
  const NONE = { srv: false, delta: false, status: false }

  it('carries arguments with and without quotes [MPP §4.4]', () => {
    expect(optionsOf('[--key "a b" --uid u --pwd $B] /x')).toEqual({ ...NONE, key: 'a b', uid: 'u', pwd: '1001' })
  })

  it('puts SA to SD into the arguments of --key, --uid and --pwd as one piece, quotes and bars included [MPP §3.1]', () => {
    const secret = PHONE.get('SA') ?? ''
    expect(optionsOf('[--key $SA --uid "x$SB$(SA:0:4)" --pwd $GPP_SB] /x')).toEqual({
      ...NONE,
      key: secret,
      uid: `xsecondp4ss`,
      pwd: 'second',
    })
  })

  it('carries letters and flags, several in one bracket [MPP §4.4]', () => {
    expect(optionsOf('[--post j --alias k] /x')).toEqual({ ...NONE, post: 'j', alias: 'k' })
    expect(optionsOf('[--key "$SB" --post g] /x')).toEqual({ ...NONE, key: 'second', post: 'g' })
    expect(optionsOf('[--srv] https://h/x')).toEqual({ ...NONE, srv: true })
    expect(optionsOf('/x')).toEqual(NONE)
  })

  it('takes the last of an option that is given twice [MPP §4.4]', () => {
    expect(optionsOf('[--uid a --uid b] /x')).toEqual({ ...NONE, uid: 'b' })
  })
})

describe('policies', () => {
  const decide = (text: string, policies: Partial<typeof DEFAULT_RULE_POLICIES>): string =>
    shown(evaluateRule(text, 'profile', phone, { ...DEFAULT_RULE_POLICIES, ...policies }))

  it('invalidCondition: the rule fails instead of going on [MPP §4.2]', () => {
    expect(decide('("5" eq 5)? /a | /b', { invalidCondition: 'fail' })).toBe('invalid mixed-operands')
    expect(decide('(1 eq 1 /a | /b', { invalidCondition: 'fail' })).toBe('invalid unbalanced-group')
    expect(decide('(1 eq 1)? /a | ("5" eq 5)? /b', { invalidCondition: 'fail' })).toBe('0 /a')
  })

  it('invalidCondition: an unknown value may be the one that fails [MPP §4.2]', () => {
    const policies = { ...DEFAULT_RULE_POLICIES, invalidCondition: 'fail' as const }
    expect(shown(evaluateRule('(1 eq 2 and $A eq 5)? /a | /b', 'profile', server, policies))).toBe('depends on A')
  })

  it('hashComments: off, a # is text [MPP §1.6]', () => {
    expect(decide('#/x', { hashComments: false })).toBe('invalid url-bad-host')
    expect([
      isUnset(' # x'),
      isUnset(''),
      isUnset('/x'),
      isUnset('#', { ...DEFAULT_RULE_POLICIES, hashComments: false }),
    ]).toEqual([true, true, false, false])
  })

  it('legacyConditions: a lone ! and a missing left side [MPP §4.2]', () => {
    expect(decide('(! 11-0-1MPP-33)? /a | /b', { legacyConditions: true })).toBe('0 /a')
    expect(decide('(ge 11-9-1MPP-33)? /a | /b', { legacyConditions: true })).toBe('1 /b')
    expect(decide('(5 ! 6)? /a | /b', { legacyConditions: true })).toBe('0 /a')
    // The guide's own example has the old form of versions, which no load of today has.
    expect(decide('(! 1.0.33)? /a | /b', { legacyConditions: true })).toBe('1 /b')
    const policies = { ...DEFAULT_RULE_POLICIES, legacyConditions: true }
    expect(shown(evaluateRule('(! 11-0-1MPP-33)? /a', 'profile', server, policies))).toBe('depends on SWVER')
  })

  it('curlyQuotes: typographic quotes count [MPP §4.1]', () => {
    expect(decide('(“$A” eq “Provisioned”)? /a | /b', { curlyQuotes: true })).toBe('0 /a')
    expect(decide('(“$A” eq “Provisioned”)? /a | /b', {})).toBe('1 /b')
  })

  it('gppAliases: $GPP_A [MPP §3.1]', () => {
    expect(decide('/$GPP_D', {})).toBe('0 /acme')
    expect(decide('/$GPP_D', { gppAliases: false })).toBe('0 /http://g.example.com/g.cfgPP_D')
  })

  it('stringCase: text without regard to case [MPP §4.2]', () => {
    expect(decide('("$CCERT" eq "installed")? /a | /b', { stringCase: 'ignore' })).toBe('0 /a')
  })
})

describe('problems of a decision', () => {
  it('stand where the author wrote them, not where expansion moved them', () => {
    const text = '/$(MAU:0:4)$MA | ("$A" lt "x")? /b'
    const rule = `("$MA$MAU" lt "$A")? /a | ($CCERT eq "y")? /b | http://$D:99999/x`
    const decision = evaluateRule(rule, 'profile', phone)
    expect(decision.problems.map(({ start, end }) => rule.slice(start, end))).toEqual([
      '"$MA$MAU" lt "$A"',
      '$CCERT eq "y"',
      '$D:99999',
    ])
    expect(evaluateRule(text, 'profile', phone).problems).toEqual([])
  })

  it('refuse a text that is too long before or after its macros', () => {
    expect(shown(evaluateRule('x'.repeat(4097), 'profile', phone))).toBe('invalid too-long')
    expect(shown(evaluateRule('$A'.repeat(100), 'profile', () => 'x'.repeat(1000)))).toBe('invalid expanded-too-long')
  })
})

/** trigger ¦ answer ¦ clause */
const TRIGGERS = `
  ~                                                         ¦ false    ¦ no trigger                   [MPP §5.3]
  # 1 eq 1                                                  ¦ false    ¦ a comment                    [MPP §1.6]
  1 eq 1                                                    ¦ true     ¦ without parentheses          [MPP §4.1]
  $REGTMR1 gt 300 and $PRVTMR gt 1200 and "$EXTIP" ne ""    ¦ false    ¦ several                      [MPP §4.2]
  $PRVTMR gt 600 and "$EXTIP" eq ""                         ¦ true     ¦ several true                 [MPP §4.2]
  $SWVER lt 11-3-2MPP0001-609                               ¦ true     ¦ a version                    [MPP §4.3]
  (1 eq 1)                                                  ¦ invalid  ¦ parentheses                  [MPP §4.1]
  (1 eq 1)?                                                 ¦ invalid  ¦ parentheses and a mark       [MPP §4.1]
  "a" lt "b"                                                ¦ invalid  ¦ ordering of text             [MPP §4.2]
  $K                                                        ¦ true     ¦ a trigger in a macro         [MPP §3.2]
  $C                                                        ¦ invalid  ¦ a macro without anything     [MPP §3.2]
  "$SB" eq "second"                                         ¦ false    ¦ secrets stay literal         [MPP §3.1]
`

describe('evaluateTrigger', () => {
  it.each(rows(TRIGGERS))('%s is %s: %s', (text = '', expected) => {
    expect(String(evaluateTrigger(text === '~' ? '' : text, phone))).toBe(expected)
  })

  it('depends on what is not known here', () => {
    expect(evaluateTrigger('$PRVTMR gt 600', server)).toBe('depends')
    expect(evaluateTrigger('$PRVTMR gt 600 and 1 eq 2', server)).toBe(false)
  })

  it('refuses a trigger that is too long', () => {
    expect(evaluateTrigger('1 eq 1 and '.repeat(500), phone)).toBe('invalid')
  })
})

describe('evaluateReportRule', () => {
  const report = (text: string, lookup: MacroLookup = phone): readonly string[] =>
    evaluateReportRule(text, lookup).items.map(({ url, options }) =>
      [printUrl(url), options.delta ? 'delta' : '', options.status ? 'status' : '']
        .filter((part) => part !== '')
        .join(' '),
    )

  it('sends a full report, changes or status, up to two [MPP §12.2]', () => {
    expect(report('http://h/$MA.xml')).toEqual(['http://h/000e08aabbcc.xml'])
    expect(report('[--delta]http://h/d [--status]http://h/s')).toEqual(['http://h/d delta', 'http://h/s status'])
    expect(report('http://h/1 http://h/2 http://h/3')).toEqual(['http://h/1', 'http://h/2'])
    expect(report('')).toEqual([])
    expect(report('# http://h/1')).toEqual([])
  })

  it('encrypts and logs in with options of its own [MPP §12.2]', () => {
    const [item] = evaluateReportRule('[--key "$SB" --uid u --pwd p] tftp://h/r', phone).items
    expect(item?.options).toEqual({ key: 'second', uid: 'u', pwd: 'p', srv: false, delta: false, status: false })
  })

  it('leaves out what cannot be used and says why [MPP §4.5]', () => {
    const found = evaluateReportRule('/r.xml http://h/s', phone)
    expect(found.items.map(({ url }) => url.host)).toEqual(['h'])
    expect(found.problems.map(({ code }) => code)).toEqual(['server-required'])
    expect(evaluateReportRule('x'.repeat(5000), phone).problems.map(({ code }) => code)).toEqual(['too-long'])
  })

  it('names what decides the server [MPP §12.2]', () => {
    expect(evaluateReportRule('http://$A/r http://h/$B', server)).toMatchObject({
      items: [{ unresolved: ['B'] }],
      depends: ['A'],
    })
  })
})
