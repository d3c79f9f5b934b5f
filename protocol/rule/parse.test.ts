import { describe, expect, it } from 'vitest'

import { parseRule } from './check.ts'
import { DEFAULT_RULE_POLICIES } from './policies.ts'
import { printRule } from './print.ts'
import { PROBLEM_CODES } from './problems.ts'
import type { RuleKind } from './syntax.ts'

/** One case a line: cells between `¦`. */
function rows(table: string): readonly (readonly string[])[] {
  return table
    .trim()
    .split('\n')
    .map((line) => line.split('¦').map((cell) => cell.trim().replace(/ {2,}/g, ' ')))
}

function codes(text: string, kind: RuleKind): string {
  return parseRule(text, kind)
    .problems.map(({ code, severity }) => (severity === 'error' ? code : `(${code})`))
    .join(' ')
}

/** rule ¦ as printed ¦ clause: rules without any problem */
const SOUND = `
  /$PSN.xml                                     ¦ /$PSN.xml                                      ¦ the factory rule                     [MPP §4.5]
  /$MA.cfg                                      ¦ /$MA.cfg                                       ¦ a path                               [MPP §4.5]
  192.168.1.130/profiles/init.cfg               ¦ 192.168.1.130/profiles/init.cfg                ¦ a server and a path                  [MPP §4.5]
  tftp://h/cpe/cisco$MA.cfg                     ¦ tftp://h/cpe/cisco$MA.cfg                      ¦ a scheme                             [MPP §4.5]
  http://h:8080/prov/$D/$E.cfg                  ¦ http://h:8080/prov/$D/$E.cfg                   ¦ a port                               [MPP §4.5]
  https://h/profile?Linksys                     ¦ https://h/profile?Linksys                      ¦ a query                              [MPP §4.1]
  [--key "$SA"]https://h/x?v=$P&fw=$SWVER       ¦ [--key "$SA"] https://h/x?v=$P&fw=$SWVER       ¦ a key in quotes                      [MPP §4.4]
  [ --key $SB --uid u --pwd "p w" ] http://h/x  ¦ [--key $SB --uid u --pwd "p w"] http://h/x     ¦ three options                        [MPP §4.4]
  [--post j --alias k] http://h/x               ¦ [--post j --alias k] http://h/x                ¦ letters                              [MPP §4.4]
  [--key "$SB" --post g]http://h/x              ¦ [--key "$SB" --post g] http://h/x              ¦ a key and a letter                   [MPP §4.4]
  [--srv] https://h/x                           ¦ [--srv] https://h/x                            ¦ a flag                               [MPP §4.4]
  ("$F" ne "beta")? http://a/x | http://b/x     ¦ ("$F" ne "beta")? http://a/x | http://b/x      ¦ two alternatives                     [MPP §4.1]
  ("$CCERT" eq "Installed")? https://h/x        ¦ ("$CCERT" eq "Installed")? https://h/x         ¦ quoted text                          [MPP §4.2]
  ($PRVTMR>=600)?/x                             ¦ ($PRVTMR ge 600)? /x                           ¦ a symbol without spaces              [MPP §4.1]
  ($PRVTMR = 1 AND 2 != 3)? /x                  ¦ ($PRVTMR eq 1 and 2 ne 3)? /x                  ¦ AND in capitals                      [MPP §4.1]
  (1 < 2 and 1 <= 2 and 2 > 1)? /x              ¦ (1 lt 2 and 1 le 2 and 2 gt 1)? /x             ¦ symbols for order                    [MPP §4.1]
  ($SWVER lt 11-3-1MPP-110 ) ? /x               ¦ ($SWVER lt 11-3-1MPP-110)? /x                  ¦ spaces around                        [MPP §4.1]
  ("$A" ne "Provisioned")? (Line_Enable_1_ = "No";)! https://p.tel.com/init-prov | https://p.tel.com/configs ¦ ("$A" ne "Provisioned")? (Line_Enable_1_ = "No";)! https://p.tel.com/init-prov | https://p.tel.com/configs ¦ the guide's example [MPP §4.1]
  (User_ID_1_="uid$B" ; c="" ;d = "$MA";)! /x   ¦ (User_ID_1_ = "uid$B"; c = ""; d = "$MA";)! /x ¦ assignments                          [MPP §4.1]
  ("$A" eq "1")? (a = "2";)!                    ¦ ("$A" eq "1")? (a = "2";)!                     ¦ no URL                               [MPP §4.1]
  ("a|b" eq "$A")? /x                           ¦ ("a|b" eq "$A")? /x                            ¦ a bar in quotes                      [MPP §4.1]
  ("a)" eq "$A")? /x                            ¦ ("a)" eq "$A")? /x                             ¦ a parenthesis in quotes              [MPP §4.1]
  [--key "a]|b"] /x                             ¦ [--key "a]|b"] /x                              ¦ a bracket in quotes                  [MPP §4.1]
  (1 eq 1)? http://h/a(b)c | http://i/d         ¦ (1 eq 1)? http://h/a(b)c | http://i/d          ¦ parentheses in a path                [MPP §4.1]
  ($(A:2:3) eq 5)? /x                           ¦ ($(A:2:3) eq 5)? /x                            ¦ part of a macro                      [MPP §3.1]
  http://[2001:db8::1]/x.cfg                    ¦ http://[2001:db8::1]/x.cfg                     ¦ IPv6                                 [MPP §4.5]
  ($HWVER ge 2.0.1)? /x                         ¦ ($HWVER ge 2.0.1)? /x                          ¦ a hardware version                   [MPP §4.3]
  ($PRVST = -1)? /x                             ¦ ($PRVST eq -1)? /x                             ¦ a negative integer                   [MPP §3.3]
  gds://                                        ¦ gds://                                         ¦ activation                           [MPP §4.7]
  # /x                                          ¦ # /x                                           ¦ a comment                            [MPP §1.6]
`

/** rule ¦ problems, warnings in parentheses ¦ clause */
const FAULTY = `
  (1 eq 1 or 2 eq 2)? /x                 ¦ or-not-supported                    ¦ there is no or                       [MPP §4.1]
  ((1 eq 1) and 2 eq 2)? /x              ¦ parentheses-in-condition            ¦ nor inner parentheses                [MPP §4.1]
  (1 eq)? /x                             ¦ bad-comparison                      ¦ half a comparison                    [MPP §4.1]
  (1 eq 1 2)? /x                         ¦ bad-comparison                      ¦ a comparison and more                [MPP §4.1]
  (1 == 1)? /x                           ¦ bad-comparison                      ¦ no such operator                     [MPP §4.1]
  (1 EQ 1)? /x                           ¦ bad-comparison                      ¦ operators are small letters          [MPP §4.1]
  (1 eq 1 And 2 eq 2)? /x                ¦ bad-comparison                      ¦ and is not And                       [MPP §4.1]
  ()? /x                                 ¦ empty-condition                     ¦ nothing to compare                   [MPP §4.1]
  (! 1.0.33)? /x                         ¦ bad-comparison                      ¦ legacy is off by default             [MPP §4.2]
  (“$A” eq “x”)? /x                      ¦ curly-quotes                        ¦ typographic quotes                   [MPP §4.1]
  ("a" lt "b")? /x                       ¦ string-ordering                     ¦ text has no order                    [MPP §4.2]
  ("5" eq 5)? /x                         ¦ mixed-operands                      ¦ text and number                      [MPP §4.2]
  ($PRVTMR ge 11-3-1MPP-110)? /x         ¦ mixed-operands                      ¦ number and version                   [MPP §4.2]
  ("$SWVER" ge 11-3-1MPP-110)? /x        ¦ string-ordering                     ¦ a quoted version                     [MPP §4.2]
  ($SWVER ge 11.0.0)? /x                 ¦ version-form                        ¦ versions of two forms                [MPP §4.3]
  ($SWVER ge 2.0.6(b))? /x               ¦ bad-operand                         ¦ the SPA form                         [MPP §4.3]
  ($CCERT eq Installed)? /x              ¦ bad-operand                         ¦ text without quotes                  [MPP §4.2]
  ($CCERT eq "Installed")? /x            ¦ (quote-macro)                       ¦ a text macro without quotes          [MPP §4.2]
  (1 eq 1) /x                            ¦ group-without-mark                  ¦ a group without mark                 [MPP §4.1]
  (1 eq 1? /x | /y                       ¦ unbalanced-group                    ¦ an open group                        [MPP §4.1]
  ("1 eq 1)? /x | /y                     ¦ unbalanced-group                    ¦ an open quote                        [MPP §4.1]
  [--key "x] /x                          ¦ unbalanced-options                  ¦ an open quote in a bracket           [MPP §4.1]
  (a = "1";)! (1 eq 1)? /x               ¦ order                               ¦ assignment before condition          [MPP §4.1]
  [--srv] (1 eq 1)? http://h/x           ¦ order                               ¦ options before condition             [MPP §4.1]
  (1 eq 1)? (1 eq 1)? /x                 ¦ order                               ¦ two conditions                       [MPP §4.1]
  (a = 1;)! /x                           ¦ bad-assignment                      ¦ a value without quotes               [MPP §4.1]
  (a = "1")! /x                          ¦ missing-semicolon                   ¦ no semicolon                         [MPP §4.1]
  (1a = "1";)! /x                        ¦ bad-assignment                      ¦ not an element name                  [MPP §4.1]
  ()! /x                                 ¦ empty-assignments                   ¦ nothing to assign                    [MPP §4.1]
  [--hmac x] /x                          ¦ unknown-option                      ¦ no such option                       [MPP §4.4]
  [--pwdMySecretPassword] /x             ¦ unknown-option                      ¦ the guide's typo                     [MPP §4.4]
  [--key] /x                             ¦ missing-argument                    ¦ a key left out                       [MPP §4.1]
  [--key --uid u] /x                     ¦ missing-argument                    ¦ an option is no argument             [MPP §4.1]
  [--post Q] /x                          ¦ bad-letter                          ¦ not a letter a to p                  [MPP §4.4]
  [--alias bc] /x                        ¦ bad-letter                          ¦ two letters                          [MPP §4.4]
  [] /x                                  ¦ empty-options                       ¦ an empty bracket                     [MPP §4.1]
  [--srv --srv] http://h/x               ¦ (duplicate-option)                  ¦ twice                                [MPP §4.4]
  [--key x]                              ¦ options-without-url                 ¦ options alone                        [MPP §4.1]
  [--srv] tftp://h/x                     ¦ srv-with-tftp                       ¦ SRV is for http only                 [MPP §4.4]
  http://h                               ¦ url-path-missing                    ¦ no path                              [MPP §4.5]
  ftp://h/x                              ¦ url-bad-scheme                      ¦ no such scheme                       [MPP §4.1]
  http://u:p@h/x                         ¦ url-userinfo                        ¦ use --uid                            [MPP §4.4]
  /x | /y | /z                           ¦ (unreachable-alternative)           ¦ only the last may be without         [MPP §4.1]
  (1 eq 1)? /x | | /y                    ¦ (empty-alternative) (unreachable-alternative) ¦ an empty alternative       [MPP §4.1]
  $PN.cfg                                ¦ (url-no-slash)                      ¦ tolerated                            [MPP §4.5]
  /a /b                                  ¦ (url-space)                         ¦ a bar forgotten                      [MPP §4.1]
  /$FOO/$QUX.cfg                         ¦ (unknown-macro)                     ¦ F is known, QUX is not               [MPP §3.1]
  /$(FOO).cfg                            ¦ (unknown-macro)                     ¦ FOO is not known                     [MPP §3.1]
  /$ERR                                  ¦ (macro-not-here)                    ¦ no result in a rule                  [MPP §3.3]
  http://h/$SA                           ¦ secret-outside-option               ¦ a secret in a URL                    [MPP §3.1]
  ("$SB" eq "x")? /x                     ¦ secret-outside-option               ¦ a secret in a condition              [MPP §3.1]
  [--post $SA] /x                        ¦ bad-letter secret-outside-option    ¦ a secret as a letter                 [MPP §3.1]
  ($A)? /x                               ¦ (bad-comparison)                    ¦ a macro may bring the rest           [MPP §4.1]
  ($A) /x                                ¦ (group-without-mark)                ¦ also the mark, perhaps               [MPP §4.1]
  [--delta] http://h/x                   ¦ option-not-here                     ¦ for reports only                     [MPP §4.4]
`

const UPGRADE = `
  http://h/sip88xx.11-3-1MPP-678.loads                               ¦                         ¦ a load                  [MPP §6]
  ("$F" ne "b")? http://h/a.loads | http://h/b.loads                 ¦                         ¦ two loads               [MPP §4.1]
  ($SWVER lt 11-0-0MPP-1)? (a = "1";)! tftp://h/$PN.loads            ¦                         ¦ with an assignment      [MPP §4.1]
  ($SWVER ge sip88xx.12-0-7MPP0201-66)? | http://h/a.loads           ¦ (url-missing)           ¦ nothing to do           [MPP §4.1]
  [--key x] http://h/a.loads                                         ¦ options-in-upgrade      ¦ no bracket options      [MPP §4.1]
  /a.loads                                                           ¦ server-required         ¦ no server               [MPP §4.5]
  a.loads                                                            ¦ (url-no-slash) server-required ¦ no server either [MPP §4.5]
  gds://                                                             ¦ gds-not-here (not-a-loads-file) ¦ no activation   [MPP §4.7]
  http://h/a.bin                                                     ¦ (not-a-loads-file)      ¦ not a load              [MPP §6]
  http://h/a.loads?x=1                                               ¦                         ¦ a load with a query     [MPP §4.1]
  $A                                                                 ¦                         ¦ all in a macro          [MPP §3.2]
`

const REPORT = `
  http://h/full                                      ¦                                ¦ a full report            [MPP §12.2]
  [--delta]http://h/d                                ¦                                ¦ changed parameters       [MPP §12.2]
  [--delta]http://h/d [--status]http://h/s           ¦                                ¦ two rules                [MPP §12.2]
  [--key "$SA" --uid u --pwd p] tftp://h/r.xml       ¦                                ¦ with a key               [MPP §12.2]
  http://a/x http://b/x http://c/x                   ¦ too-many-report-items          ¦ at most two              [MPP §4.1]
  /report.xml                                        ¦ server-required                ¦ server by DHCP is for profiles [MPP §4.5]
  [--post a] http://h/x                              ¦ (option-without-effect)        ¦ no body to choose        [MPP §12.2]
  [--delta]                                          ¦ options-without-url            ¦ no URL                   [MPP §4.1]
  [--delta                                           ¦ unbalanced-options             ¦ an open bracket          [MPP §4.1]
`

const TRIGGER = `
  $REGTMR1 gt 300 and $PRVTMR gt 1200 and "$EXTIP" ne ""   ¦                        ¦ an expression             [MPP §4.1]
  $SWVER lt 11-3-1MPP-110                                  ¦                        ¦ a version                 [MPP §4.1]
  ($REGTMR1 gt 300)                                        ¦ parentheses-in-trigger ¦ no parentheses            [MPP §4.1]
  ($REGTMR1 gt 300)?                                       ¦ parentheses-in-trigger ¦ no question mark          [MPP §4.1]
  $REGTMR1 gt 300 ?                                        ¦ parentheses-in-trigger ¦ no question mark alone    [MPP §4.1]
  "$A                                                      ¦ (bad-comparison)       ¦ an open quote             [MPP §4.1]
  # 1 eq 1                                                 ¦                        ¦ a comment                 [MPP §1.6]
`

describe('parseRule', () => {
  it.each(rows(SOUND))('has nothing to say about %s and prints %s: %s', (text = '', printed) => {
    const { rule, problems } = parseRule(text)
    expect(problems).toEqual([])
    expect(printRule(rule)).toBe(printed)
  })

  it.each(rows(FAULTY))('finds in %s: %s, %s', (text = '', expected) => {
    expect(codes(text, 'profile')).toBe(expected)
  })

  it.each(rows(UPGRADE))('finds in the upgrade rule %s: %s, %s', (text = '', expected) => {
    expect(codes(text, 'upgrade')).toBe(expected)
  })

  it.each(rows(REPORT))('finds in the report rule %s: %s, %s', (text = '', expected) => {
    expect(codes(text, 'report')).toBe(expected)
  })

  it.each(rows(TRIGGER))('finds in the trigger %s: %s, %s', (text = '', expected) => {
    expect(codes(text, 'trigger')).toBe(expected)
  })

  it('shows where a problem stands', () => {
    const text = '("$A" eq "x" and 5 lt "y")? http://h:99999/x'
    expect(parseRule(text).problems.map(({ start, end }) => text.slice(start, end))).toEqual(['5 lt "y"', 'h:99999'])
  })

  it('reads legacy conditions when asked to [MPP §4.2]', () => {
    const policies = { ...DEFAULT_RULE_POLICIES, legacyConditions: true }
    const { rule, problems } = parseRule('(! 11-0-1MPP-33)? http://h/x', 'profile', policies)
    expect(problems).toEqual([])
    expect(printRule(rule)).toBe('($SWVER ne 11-0-1MPP-33)? http://h/x')
  })

  it('reads typographic quotes when asked to [MPP §4.1]', () => {
    const policies = { ...DEFAULT_RULE_POLICIES, curlyQuotes: true }
    expect(printRule(parseRule('(“$A” eq “x”)? /x', 'profile', policies).rule)).toBe('("$A" eq "x")? /x')
  })

  it('takes a # for text when comments are off [MPP §1.6]', () => {
    const { rule } = parseRule('#x', 'profile', { ...DEFAULT_RULE_POLICIES, hashComments: false })
    expect(rule.kind).toBe('profile')
  })

  it('keeps a rule that is too long or too wide in one piece', () => {
    const long = `/${'x'.repeat(5000)}`
    expect(parseRule(long).problems.map(({ code }) => code)).toEqual(['too-long'])
    expect(printRule(parseRule(long).rule)).toBe(long)
    const wide = Array.from({ length: 70 }, (_, index) => `(1 eq ${index})? /x`).join(' | ')
    expect(parseRule(wide).problems.map(({ code }) => code)).toEqual(['too-many-alternatives'])
    expect(printRule(parseRule(wide).rule)).toBe(wide)
  })

  it('bounds the parts of each group', () => {
    const many = (count: number, part: string, joint: string): string => Array(count).fill(part).join(joint)
    expect(codes(`(${many(33, '1 eq 1', ' and ')})? /x`, 'profile')).toBe('too-many-parts bad-comparison')
    expect(codes(`(${many(32, '1 eq 1', ' and ')})? /x`, 'profile')).toBe('')
    expect(codes(`(${many(65, 'a = "1";', ' ')})! /x`, 'profile')).toBe('too-many-parts')
    expect(codes(`(${many(64, 'a = "1";', ' ')})! /x`, 'profile')).toBe('')
    expect(codes(`[${many(17, '--uid x', ' ')}] /x`, 'profile')).toContain('too-many-parts')
  })

  it('has a case in these tables for every code that a rule can have', () => {
    const tables = [SOUND, FAULTY, UPGRADE, REPORT, TRIGGER].join()
    const elsewhere = [
      'too-long',
      'expanded-too-long',
      'too-many-alternatives',
      'too-many-parts',
      'no-server',
      'bad-delay',
      'too-many-delays',
    ]
    const inUrlTests = ['url-empty', 'url-bad-host', 'url-bad-port', 'url-bad-character']
    const missing = PROBLEM_CODES.filter(
      (code) => !tables.includes(code) && ![...elsewhere, ...inUrlTests].includes(code),
    )
    expect(missing).toEqual([])
  })
})
